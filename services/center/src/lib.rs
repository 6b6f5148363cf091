//! The center process.
