//! The invariants, proved on tables.
