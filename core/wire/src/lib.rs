//! Versioned messages between the processes.
