//! Switches, IKE peers and a clock in memory.
