//! A test certification authority with the real profiles.
