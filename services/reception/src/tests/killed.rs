//! Killed in the middle, at many points: nothing acknowledged is lost, nothing is doubled (R2–R6, R9).
