//! Use cases: the way of a connection.
