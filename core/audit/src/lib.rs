//! Event catalogue, hash chain, three-point matching.
