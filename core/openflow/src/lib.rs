//! OpenFlow 1.3 codec and channel handshake, with the ONF and Nicira extensions Sekisho uses.
