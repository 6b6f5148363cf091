//! Benches against a peer in the same run.
