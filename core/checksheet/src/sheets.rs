//! The items of the three sheets (guideline section 6.1 (1) to (3)), by number. Texts are in core/texts.

use model::{CheckEdition, CheckItem, SiteModel, Zone};

use crate::probe::{Absence, Probe};
use crate::sheet::{Group, Item, Judged, Sheet};

use Absence::{NoHostIn, NoRuleBetween, NoService, NoUse};
use SiteModel::{Large, ServiceProvider, Small};
use Zone::{Dmz, HighSecure, Secure};

pub(crate) const LARGE: Sheet = Sheet {
    model: Large,
    edition: CheckEdition::Heasnet2007,
    groups: &[
        group(
            1,
            "peers",
            "2.2",
            &[
                peer(1, 1, 1, "peer-large", Large),
                peer(1, 1, 2, "peer-provider", ServiceProvider),
                peer(1, 1, 3, "peer-small", Small),
            ],
        ),
        group(2, "relay", "4.1", &[machine(2, 1, 1, "shared-line", Probe::SharedLine)]),
        group(
            2,
            "open-network",
            "4.2, 5.1",
            &[
                machine(2, 2, 1, "no-relay", Probe::NoRelay),
                machine(2, 2, 2, "ike-authenticates", Probe::IkeAuthenticates),
                machine(2, 2, 3, "ike-public-keys", Probe::IkePublicKeys),
                machine(2, 2, 4, "session-keys", Probe::SessionKeys),
                machine(2, 2, 5, "encryption", Probe::Encryption),
                machine(2, 2, 6, "integrity", Probe::Integrity),
            ],
        ),
        group(
            2,
            "other-sites",
            "2.2 (3)",
            &[
                machine(2, 3, 1, "agreed", Probe::Agreed),
                machine(2, 3, 2, "destinations-limited", Probe::DestinationsLimited),
                machine(2, 3, 3, "origins-limited", Probe::OriginsLimited),
                machine(2, 3, 4, "logged", Probe::Logged),
            ],
        ),
        group(
            3,
            "placement",
            "5.3.1",
            &[
                person(3, 1, 1, "records-in-high-secure", None, WAIVABLE),
                person(3, 1, 2, "terminals-in-secure", Some(NoHostIn(Secure)), WAIVABLE),
                person(3, 1, 3, "published-in-dmz", Some(NoHostIn(Dmz)), WAIVABLE),
            ],
        ),
        group(
            3,
            "from-outside",
            "5.3.1",
            &[
                machine(3, 2, 1, "outside-kept-out", Probe::OutsideKeptOut),
                person(3, 2, 2, "attacks-detected", None, ASKED),
                machine(3, 2, 3, "agreed-only", Probe::AgreedOnly),
            ],
        ),
        group(
            3,
            "high-secure",
            "5.3.1",
            &[
                machine(3, 3, 1, "high-secure-originates-nothing", Probe::HighSecureOriginatesNothing),
                machine(3, 3, 2, "high-secure-no-internet", Probe::HighSecureNoInternet),
                person(3, 3, 3, "virus-high-secure", Some(NoHostIn(HighSecure)), ASKED),
            ],
        ),
        group(
            3,
            "secure",
            "5.3.1",
            &[
                machine(3, 4, 1, "secure-not-from-elsewhere", Probe::SecureNotFromElsewhere),
                person(3, 4, 2, "sites-limited", None, WAIVABLE),
                person(3, 4, 3, "virus-secure", Some(NoHostIn(Secure)), ASKED),
            ],
        ),
        group(
            3,
            "dmz",
            "5.3.1",
            &[
                machine(3, 5, 1, "dmz-reaches-no-inner-zone", Probe::DmzReachesNoInnerZone),
                person(3, 5, 2, "virus-dmz", Some(NoHostIn(Dmz)), ASKED),
            ],
        ),
        group(
            3,
            "high-secure-and-secure",
            "5.3.1",
            &[
                machine(3, 6, 1, "secure-through-proxy", Probe::ThroughProxy(Secure, HighSecure)),
                person(3, 6, 2, "proxy-logs", Some(NoRuleBetween(Secure, HighSecure)), ASKED),
                machine(3, 6, 3, "secure-limited", Probe::LimitedBetween(Secure, HighSecure)),
            ],
        ),
        group(
            3,
            "high-secure-and-dmz",
            "5.3.1",
            &[
                machine(3, 7, 1, "dmz-through-proxy", Probe::ThroughProxy(Dmz, HighSecure)),
                person(3, 7, 2, "proxy-logs", Some(NoRuleBetween(Dmz, HighSecure)), ASKED),
                machine(3, 7, 3, "dmz-limited", Probe::LimitedBetween(Dmz, HighSecure)),
            ],
        ),
        group(
            3,
            "dmz-and-secure",
            "5.3.1",
            &[
                machine(3, 8, 1, "secure-to-dmz-through-proxy", Probe::ThroughProxy(Secure, Dmz)),
                person(3, 8, 2, "proxy-logs", Some(NoRuleBetween(Secure, Dmz)), ASKED),
                machine(3, 8, 3, "secure-limited", Probe::LimitedBetween(Secure, Dmz)),
            ],
        ),
        group(3, "updates", "5.3.2", &[person(3, 9, 1, "updates", None, ASKED)]),
        group(
            4,
            "offering",
            "2.2 (3), 4.2",
            &[
                machine(4, 1, 1, "service-ends-limited", Probe::ServiceEndsLimited),
                machine(4, 1, 2, "service-encrypted", Probe::ServiceEncrypted),
                person(4, 1, 3, "service-logged", Some(NoService), ASKED),
                person(4, 1, 4, "patients-authenticated", Some(NoService), WAIVABLE),
                person(4, 1, 5, "records-behind-proxy", Some(NoService), WAIVABLE),
            ],
        ),
        group(
            4,
            "using",
            "5.3.1",
            &[
                machine(4, 2, 1, "use-limited", Probe::UseLimited),
                person(4, 2, 2, "received-in-high-secure", Some(NoUse), WAIVABLE),
            ],
        ),
        group(
            4,
            "backup",
            "5.3.2",
            &[
                machine(4, 3, 1, "backup-originates-nothing", Probe::BackupOriginatesNothing),
                machine(4, 3, 2, "backup-from-high-secure", Probe::BackupFromHighSecure),
            ],
        ),
        group(
            4,
            "mail",
            "5.3.2",
            &[person(4, 4, 1, "mail-screened", None, WAIVABLE), person(4, 4, 2, "mail-not-relayed", None, WAIVABLE)],
        ),
        group(4, "maintenance", "5.3.2", &[person(4, 5, 1, "maintenance-only", None, WAIVABLE)]),
    ],
};

pub(crate) const SMALL: Sheet = Sheet {
    model: Small,
    edition: CheckEdition::Heasnet2007,
    groups: &[
        LARGE.groups[0],
        LARGE.groups[1],
        LARGE.groups[2],
        LARGE.groups[3],
        group(
            3,
            "placement",
            "5.3.1",
            &[
                person(3, 1, 1, "records-in-high-secure", None, WAIVABLE),
                person(3, 1, 2, "terminals-in-secure", Some(NoHostIn(Secure)), WAIVABLE),
            ],
        ),
        group(
            3,
            "from-outside",
            "5.3.1",
            &[
                machine(3, 2, 1, "outside-kept-out", Probe::OutsideKeptOut),
                machine(3, 2, 2, "agreed-only", Probe::AgreedOnly),
            ],
        ),
        group(
            3,
            "high-secure",
            "5.3.1",
            &[
                machine(3, 3, 1, "high-secure-originates-nothing", Probe::HighSecureOriginatesNothing),
                machine(3, 3, 2, "high-secure-no-internet", Probe::HighSecureNoInternet),
                person(3, 3, 3, "virus-high-secure", Some(NoHostIn(HighSecure)), ASKED),
            ],
        ),
        group(
            3,
            "secure",
            "5.3.1",
            &[
                person(3, 4, 1, "sites-limited", None, WAIVABLE),
                person(3, 4, 2, "virus-secure", Some(NoHostIn(Secure)), ASKED),
            ],
        ),
        group(
            3,
            "high-secure-and-secure",
            "5.3.1",
            &[
                machine(3, 5, 1, "secure-through-proxy", Probe::ThroughProxy(Secure, HighSecure)),
                person(3, 5, 2, "proxy-logs", Some(NoRuleBetween(Secure, HighSecure)), ASKED),
                machine(3, 5, 3, "secure-limited", Probe::LimitedBetween(Secure, HighSecure)),
            ],
        ),
        group(3, "updates", "5.3.2", &[person(3, 6, 1, "updates", None, ASKED)]),
        group(
            4,
            "using",
            "5.3.1",
            &[
                machine(4, 1, 1, "use-limited", Probe::UseLimited),
                person(4, 1, 2, "received-in-high-secure", Some(NoUse), WAIVABLE),
            ],
        ),
        group(
            4,
            "backup",
            "5.3.2",
            &[
                machine(4, 2, 1, "backup-originates-nothing", Probe::BackupOriginatesNothing),
                machine(4, 2, 2, "backup-from-high-secure", Probe::BackupFromHighSecure),
            ],
        ),
        group(4, "maintenance", "5.3.2", &[person(4, 3, 1, "maintenance-only", None, WAIVABLE)]),
    ],
};

pub(crate) const SERVICE_PROVIDER: Sheet = Sheet {
    model: ServiceProvider,
    edition: CheckEdition::Heasnet2007,
    groups: &[
        group(1, "peers", "2.2", &[peer(1, 1, 1, "peer-large", Large), peer(1, 1, 2, "peer-small", Small)]),
        group(
            2,
            "open-network",
            "4.2, 5.1",
            &[
                machine(2, 1, 1, "no-relay", Probe::NoRelay),
                machine(2, 1, 2, "ike-authenticates", Probe::IkeAuthenticates),
                machine(2, 1, 3, "ike-public-keys", Probe::IkePublicKeys),
                machine(2, 1, 4, "session-keys", Probe::SessionKeys),
                machine(2, 1, 5, "encryption", Probe::Encryption),
                machine(2, 1, 6, "integrity", Probe::Integrity),
            ],
        ),
        group(
            2,
            "other-sites",
            "2.2 (3)",
            &[
                machine(2, 2, 1, "agreed", Probe::Agreed),
                machine(2, 2, 2, "destinations-limited", Probe::DestinationsLimited),
                machine(2, 2, 3, "origins-limited", Probe::OriginsLimited),
                machine(2, 2, 4, "logged", Probe::Logged),
            ],
        ),
        group(
            3,
            "placement",
            "5.3.1",
            &[
                person(3, 1, 1, "records-in-high-secure", None, WAIVABLE),
                person(3, 1, 2, "published-in-dmz", Some(NoHostIn(Dmz)), WAIVABLE),
                person(3, 1, 3, "company-network-apart", None, ASKED),
            ],
        ),
        group(
            3,
            "from-outside",
            "5.3.1",
            &[
                machine(3, 2, 1, "high-secure-kept-out", Probe::OutsideKeptOut),
                person(3, 2, 2, "attacks-detected", None, ASKED),
                machine(3, 2, 3, "agreed-only", Probe::AgreedOnly),
            ],
        ),
        group(
            3,
            "high-secure",
            "5.3.1",
            &[
                machine(3, 3, 1, "high-secure-originates-nothing", Probe::HighSecureOriginatesNothing),
                machine(3, 3, 2, "high-secure-no-internet", Probe::HighSecureNoInternet),
                person(3, 3, 3, "virus-high-secure", Some(NoHostIn(HighSecure)), ASKED),
            ],
        ),
        group(
            3,
            "dmz",
            "5.3.1",
            &[
                machine(3, 4, 1, "dmz-reaches-no-inner-zone", Probe::DmzReachesNoInnerZone),
                person(3, 4, 2, "virus-dmz", Some(NoHostIn(Dmz)), ASKED),
            ],
        ),
        group(
            3,
            "high-secure-and-dmz",
            "5.3.1",
            &[
                machine(3, 5, 1, "dmz-through-proxy", Probe::ThroughProxy(Dmz, HighSecure)),
                person(3, 5, 2, "proxy-logs", Some(NoRuleBetween(Dmz, HighSecure)), ASKED),
                machine(3, 5, 3, "dmz-limited", Probe::LimitedBetween(Dmz, HighSecure)),
            ],
        ),
        group(3, "updates", "5.3.2", &[person(3, 6, 1, "updates", None, ASKED)]),
        group(
            4,
            "offering",
            "2.2 (3), 4.2",
            &[
                machine(4, 1, 1, "service-ends-limited", Probe::ServiceEndsLimited),
                machine(4, 1, 2, "service-encrypted", Probe::ServiceEncrypted),
                person(4, 1, 3, "service-logged", Some(NoService), ASKED),
                person(4, 1, 4, "patients-authenticated", Some(NoService), WAIVABLE),
                person(4, 1, 5, "records-behind-proxy", Some(NoService), WAIVABLE),
            ],
        ),
        group(4, "internet", "5.3.2", &[person(4, 2, 1, "sites-limited", None, WAIVABLE)]),
    ],
};

/// A person may say, with the reason, that it does not apply.
const WAIVABLE: bool = true;
/// It applies to every site that has what it is about.
const ASKED: bool = false;

const fn group(chapter: u8, key: &'static str, source: &'static str, items: &'static [Item]) -> Group {
    Group { chapter, key, source, items }
}

const fn peer(chapter: u8, group: u8, item: u8, key: &'static str, model: SiteModel) -> Item {
    Item { id: CheckItem::new(chapter, group, item), key, judged: Judged::Peer(model) }
}

const fn machine(chapter: u8, group: u8, item: u8, key: &'static str, probe: Probe) -> Item {
    Item { id: CheckItem::new(chapter, group, item), key, judged: Judged::Machine(probe) }
}

const fn person(chapter: u8, group: u8, item: u8, key: &'static str, unless: Option<Absence>, waivable: bool) -> Item {
    Item { id: CheckItem::new(chapter, group, item), key, judged: Judged::Person { unless, waivable } }
}
