//! One site's state machine.
