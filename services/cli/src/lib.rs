//! The sekisho command.
