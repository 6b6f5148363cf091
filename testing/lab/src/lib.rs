//! Namespaces, Open vSwitch, strongSwan, SoftHSM: the network on one machine.
