//! Grants and topology to the exact tables, tunnels and filters.
