//! X.509 chains, CRLs, HPKI qualifications, device certificates.
