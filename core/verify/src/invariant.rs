//! The invariants, as data with stable ids.

use std::fmt;

macro_rules! invariants {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $key:literal, $remedy:literal, [$($requirement:literal),*], $statement:literal;)*) => {
        /// What must hold of every state before it is installed (X1). Ids are stable: they are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Invariant {
            $($(#[$doc])* $name,)*
        }

        impl Invariant {
            /// All of them, in order of their ids.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Stable id, `I01` and on.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }
            /// Fluent key of the sentence that states it.
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }
            /// Fluent key of what to do when it would break.
            pub fn remedy_key(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
            /// The requirements it answers.
            pub fn requirements(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($requirement),*],)* }
            }
            /// The sentence in English, for logs.
            pub fn statement(self) -> &'static str {
                match self { $(Self::$name => $statement,)* }
            }
        }
    };
}

invariants! {
    /// A change starts from the state it claims to.
    Fits = "I01", "verify-i01", "verify-i01-do", ["X1"],
        "a change starts from the state it names and fits it exactly";
    /// Facts do not contradict each other.
    Facts = "I02", "verify-i02", "verify-i02-do", ["G8", "G16", "N10"],
        "the facts of a site are coherent: one port, MAC and address a host, one zone a segment, no overlapping prefixes";
    /// Each table does its own work only.
    Pipeline = "I03", "verify-i03", "verify-i03-do", ["X1"],
        "each table does its own work only: tags at admission, tracking at posture, output at forwarding, forward steps only";
    /// No two rules are one to OpenFlow.
    OneRule = "I04", "verify-i04", "verify-i04-do", ["X1"],
        "no two rules of a switch share table, priority and match";
    /// Nothing passes that nothing permits.
    DefaultDeny = "I05", "verify-i05", "verify-i05-do", ["N1", "N6", "X1"],
        "a packet leaves a port only if a live grant, an in-house rule or the gate's service covers it";
    /// Nobody speaks with another's address.
    SourceBinding = "I06", "verify-i06", "verify-i06-do", ["G16"],
        "a packet is admitted only from the port, MAC and address its host is registered with";
    /// Zones originate only to whom they may.
    ZoneMatrix = "I07", "verify-i07", "verify-i07-do", ["G8"],
        "a connection originates only where the zone matrix allows it";
    /// No site carries others' traffic.
    NoRelay = "I08", "verify-i08", "verify-i08-do", ["G7"],
        "a site carries nothing between two others unless all three are one legal entity and it wishes so";
    /// Tunnels lead to known peers only.
    KnownPeer = "I09", "verify-i09", "verify-i09-do", ["G12", "G7"],
        "tunnels, filters and grants name only known peers and addresses of theirs";
    /// Connections begin on the origin's side.
    Direction = "I10", "verify-i10", "verify-i10-do", ["G6", "N6"],
        "a connection begins on the origin's side only; the other side only answers";
    /// The gate sees first packets of terminals, no others.
    FirstPackets = "I11", "verify-i11", "verify-i11-do", ["N1", "G19"],
        "only first packets of terminals are shown to the gate, of TCP only a SYN";
    /// A live grant is what it says.
    GrantSane = "I12", "verify-i12", "verify-i12-do", ["N6", "G12"],
        "a live grant names registered hosts with their zones and institutions, ports and a lease";
    /// Tunnels carry their grant, no more.
    Selectors = "I13", "verify-i13", "verify-i13-do", ["G6", "N6"],
        "a tunnel's selectors are no wider than its grant";
    /// Two ends agree.
    Mirrored = "I14", "verify-i14", "verify-i14-do", ["N5", "G6"],
        "the two ends of a tunnel mirror each other and exactly one initiates";
    /// Filters let their grant through, no more.
    Filters = "I15", "verify-i15", "verify-i15-do", ["G6"],
        "a filter is no wider than the grant or wish it serves";
    /// Flow rules, tunnel and filters exist together or not at all.
    Together = "I16", "verify-i16", "verify-i16-do", ["N5"],
        "a live grant has its flow rules, tunnel and filters at both of its ends";
    /// Nothing outlives what it serves.
    LiveOwner = "I17", "verify-i17", "verify-i17-do", ["N5", "N1"],
        "every rule, tunnel and filter serves something that is live";
    /// VPN and other traffic never share a path.
    SeparatePaths = "I18", "verify-i18", "verify-i18-do", ["G5"],
        "traffic of a tunnel and traffic outside tunnels never share a path";
    /// Nothing leaves in clear.
    NoClearText = "I19", "verify-i19", "verify-i19-do", ["G5", "N5"],
        "what leaves the house leaves through a tunnel";
    /// A refusal allows nothing.
    Refusals = "I20", "verify-i20", "verify-i20-do", ["N1"],
        "the temporary rule of a refusal drops and does nothing else";
    /// ARP and neighbour solicitations are answered with the truth.
    ArpAnswers = "I21", "verify-i21", "verify-i21-do", ["G16"],
        "who asks for an address, by ARP or neighbour solicitation, is answered from the registered bindings, and the question is never passed on";
    /// What a site forbids itself, nobody permits.
    OwnPromises = "I22", "verify-i22", "verify-i22-do", ["X1", "G8"],
        "nothing begins that the document of one of its two sites forbids (S01 and on)";
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id(), self.statement())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_up_and_keys_follow_them() {
        for (n, invariant) in Invariant::ALL.iter().enumerate() {
            assert_eq!(invariant.id(), format!("I{:02}", n + 1));
            assert_eq!(invariant.key(), format!("verify-{}", invariant.id().to_lowercase()));
            assert_eq!(invariant.remedy_key(), format!("{}-do", invariant.key()));
            assert!(!invariant.requirements().is_empty());
        }
    }
}
