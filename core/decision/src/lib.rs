//! May this person, on this device, reach this service now?
