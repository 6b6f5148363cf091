//! Sites as their institution sees them: how far they are, and what is to be done next.

use checksheet::Verdict;
use connections::Prospect;
use issuing::Identity;
use joining::Member;
use model::{Agreement, Document, HostId, InstitutionId, Network, Service, Side, Site, SiteId, write_document};
use serde::Serialize;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::{Refused, Registration, Who};

/// How far a site is. A proposal that no operator has taken in is no site yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Policy knows it.
    Registered,
    /// Its gate has its certificate.
    GateEnrolled,
    /// A line could open now.
    Ready,
}

impl Stage {
    /// Stable name, also of its Fluent key `registration-stage-…`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::GateEnrolled => "gate-enrolled",
            Self::Ready => "ready",
        }
    }
}

/// What there is to do, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The gate fetches its certificate with a one-time token.
    Enroll,
    /// The gate dials in.
    Link,
    /// Hosts are registered.
    Hosts,
    /// A whitelist line foresees a use, or somebody's foresees a use of a service here.
    Use,
    /// Terminals that are foreseen have their certificates.
    Devices,
    /// Its checksheet is answered and passes (G12).
    Checksheet,
    /// Nothing else is in the way: agreement, rules, the other side.
    Agree,
}

impl Step {
    /// All, in order.
    pub const ALL: [Self; 7] =
        [Self::Enroll, Self::Link, Self::Hosts, Self::Use, Self::Devices, Self::Checksheet, Self::Agree];

    /// Stable name, also of its Fluent key `registration-step-…`; what to do is this with `-do`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enroll => "enroll",
            Self::Link => "link",
            Self::Hosts => "hosts",
            Self::Use => "use",
            Self::Devices => "devices",
            Self::Checksheet => "checksheet",
            Self::Agree => "agree",
        }
    }
}

/// A site in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteView {
    /// Its id.
    pub site: SiteId,
    /// Its name; its id if it has none.
    pub name: model::LocalizedName,
    /// Its legal entity.
    pub institution: model::InstitutionId,
    /// The model it was made from.
    pub model: model::SiteModel,
    /// How far it is.
    pub stage: Stage,
    /// Steps not done yet.
    pub lacking: BTreeSet<Step>,
    /// What its checksheet comes to.
    #[serde(skip)]
    pub checksheet: Verdict,
}

/// Which part of the list of sites.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SitesAsked {
    /// In the id, the name or the institution; every site if empty.
    pub words: String,
    /// Those after this one.
    pub after: Option<SiteId>,
    /// Those before this one, if `after` is left out.
    pub before: Option<SiteId>,
    /// At most so many.
    pub limit: usize,
}

/// A part of the list, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitesPart {
    /// The sites.
    pub sites: Vec<SiteView>,
    /// How many there are in all parts.
    pub total: usize,
    /// Are there others before?
    pub earlier: bool,
    /// Are there others after?
    pub later: bool,
}

/// One site, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitePage {
    /// As in the list.
    pub view: SiteView,
    /// Changes with everything of the site: a form sends it back, so that nobody changes what they have not seen.
    pub version: String,
    /// The site.
    pub site: Site,
    /// The services offered there.
    pub services: Vec<Service>,
    /// Terminals that have a certificate.
    pub certified: BTreeSet<HostId>,
    /// Lines that are foreseen, and what each lacks.
    pub prospects: Vec<Prospect>,
    /// The document it is.
    pub document: String,
    /// Does this center issue certificates?
    pub issues: bool,
}

impl SitesAsked {
    /// Where the part is in a list by id.
    fn part(&self, all: &[&Site]) -> Range<usize> {
        let from = match (&self.after, &self.before) {
            (Some(after), _) => all.partition_point(|site| site.id <= *after),
            (None, Some(before)) => all.partition_point(|site| site.id < *before).saturating_sub(self.limit),
            (None, None) => 0,
        };
        from..from.saturating_add(self.limit).min(all.len())
    }
}

/// Do the words (small letters) stand in what a site is known by?
fn holds(site: &Site, words: &str) -> bool {
    let names = site.name.iter().flat_map(|name| [name.ja.as_str(), name.en.as_str()]);
    let mut all = names.chain([site.id.as_str(), site.institution.as_str()]);
    words.is_empty() || all.any(|text| text.to_lowercase().contains(words))
}

impl Registration {
    /// The institution's sites, part by part; all of them for operators. How far a site is costs much, so it is found out of
    /// those in the part only.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn sites(&self, who: Who<'_>, asked: &SitesAsked) -> Result<SitesPart, Refused> {
        who.see()?;
        let network = connections::applied_network(&self.center).await;
        let own = match who {
            Who::Operator(_) => None,
            Who::Member(_) => match self.confirmed(who).await {
                Ok(member) => Some(member.network),
                Err(Refused::NoName | Refused::NotInNetwork) => {
                    return Ok(SitesPart { sites: Vec::new(), total: 0, earlier: false, later: false });
                }
                Err(no) => return Err(no),
            },
        };
        let words = asked.words.trim().to_lowercase();
        let theirs = |site: &&Site| own.as_ref().is_none_or(|own| *own == site.institution);
        let all: Vec<&Site> = network.sites.values().filter(theirs).filter(|site| holds(site, &words)).collect();
        let part = asked.part(&all);
        let linked = self.linked().await;
        let mut sites = Vec::with_capacity(part.len());
        for site in &all[part.clone()] {
            sites.push(self.page(&network, site, &linked).await?.view);
        }
        Ok(SitesPart { sites, total: all.len(), earlier: part.start > 0, later: part.end < all.len() })
    }

    /// Sites whose gate is linked now.
    async fn linked(&self) -> BTreeSet<SiteId> {
        let status = connections::status(&self.center).await;
        status.sites.into_iter().filter(|site| site.linked).map(|site| site.site).collect()
    }

    /// One site.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Registry`.
    pub async fn site(&self, who: Who<'_>, site: &SiteId) -> Result<SitePage, Refused> {
        who.see()?;
        let network = connections::applied_network(&self.center).await;
        let site = self.own(who, &network, site).await?.clone();
        self.page(&network, &site, &self.linked().await).await
    }

    /// A site of who asks; of another institution there is none.
    pub(crate) async fn own<'n>(&self, who: Who<'_>, network: &'n Network, site: &SiteId) -> Result<&'n Site, Refused> {
        let found = network.sites.get(site).ok_or_else(Refused::no_such)?;
        match self.reads(who).await? {
            Some(own) if own != found.institution => Err(Refused::no_such()),
            Some(_) | None => Ok(found),
        }
    }

    /// The institution whose sites who asks may read; none for operators, who read everything.
    pub(crate) async fn reads(&self, who: Who<'_>) -> Result<Option<InstitutionId>, Refused> {
        match who {
            Who::Operator(_) => Ok(None),
            Who::Member(_) => match self.confirmed(who).await {
                Ok(member) => Ok(Some(member.network)),
                Err(Refused::NoName | Refused::NotInNetwork) => Err(Refused::no_such()),
                Err(no) => Err(no),
            },
        }
    }

    /// The institution of who asks, confirmed by an operator.
    pub(crate) async fn confirmed(&self, who: Who<'_>) -> Result<Member, Refused> {
        let institution = who.institution().ok_or(Refused::NoName)?;
        let member = self.member_of(institution).await?.ok_or(Refused::NoName)?.value;
        if member.confirmed_by.is_some() { Ok(member) } else { Err(Refused::NotInNetwork) }
    }

    async fn page(&self, network: &Network, site: &Site, linked: &BTreeSet<SiteId>) -> Result<SitePage, Refused> {
        let mut prospects = connections::prospects(&self.center, &site.id).await;
        prospects.retain(|prospect| may_know(network, site, prospect));
        let linked = linked.contains(&site.id);
        let enrolled = linked || self.has_certificate(Identity::gate(site.id.as_str())).await?;
        let mut certified = BTreeSet::new();
        for host in site.hosts.values().filter(|host| host.terminal) {
            if self.has_certificate(Identity::device(site.id.as_str(), host.id.as_str())).await? {
                certified.insert(host.id.clone());
            }
        }
        let mut open = false;
        let mut equipped = false;
        for prospect in &prospects {
            let has = self.issuing.is_none()
                || self
                    .has_certificate(Identity::device(prospect.from.site.as_str(), prospect.from.host.as_str()))
                    .await?;
            equipped |= has;
            open |= has && prospect.lacking.is_empty();
        }
        let services: Vec<Service> =
            network.services.values().filter(|service| service.host.site == site.id).cloned().collect();
        let checksheet = checksheet::judge(network, &site.id);
        let done = |step: Step| match step {
            Step::Enroll => enrolled,
            Step::Link => linked,
            Step::Hosts => !site.hosts.is_empty(),
            Step::Use => !prospects.is_empty(),
            Step::Devices => equipped,
            Step::Checksheet => checksheet.passes(),
            Step::Agree => open,
        };
        let lacking: BTreeSet<Step> = Step::ALL.into_iter().filter(|step| !done(*step)).collect();
        let stage = match (lacking.is_empty(), enrolled) {
            (true, _) => Stage::Ready,
            (false, true) => Stage::GateEnrolled,
            (false, false) => Stage::Registered,
        };
        let name = site.name.clone().unwrap_or_else(|| {
            let id = site.id.to_string();
            model::LocalizedName { ja: id.clone(), en: id }
        });
        let view = SiteView {
            site: site.id.clone(),
            name,
            institution: site.institution.clone(),
            model: site.model,
            stage,
            lacking,
            checksheet,
        };
        let document = written(site, &services);
        Ok(SitePage {
            view,
            version: version(&document),
            site: site.clone(),
            services,
            certified,
            prospects,
            document,
            issues: self.issuing.is_some(),
        })
    }

    /// Was a certificate issued that still counts? Where certificates come from elsewhere, nobody here knows.
    async fn has_certificate(&self, identity: Option<Identity>) -> Result<bool, Refused> {
        let (Some((issuing, _)), Some(identity)) = (&self.issuing, identity) else { return Ok(false) };
        let now = self.now();
        let all = issuing.certificates(&identity).await?;
        Ok(all.iter().any(|c| c.revoked.is_none() && now < c.not_after))
    }
}

/// Who foresees a use of one's services is theirs to tell, until they have signed an agreement about it.
fn may_know(network: &Network, site: &Site, prospect: &Prospect) -> bool {
    let user = network.sites.get(&prospect.from.site).map(|from| &from.institution);
    let agreed = |a: &Agreement| {
        Some(&a.consumer) == user && a.service == prospect.service && a.signatures.contains_key(&Side::Consumer)
    };
    user == Some(&site.institution) || network.agreements.values().any(agreed)
}

/// The document of a site with its services.
pub(crate) fn written(site: &Site, services: &[Service]) -> String {
    let document = Document { site: Some(site.clone()), services: services.to_vec(), ..Document::default() };
    write_document(&document).expect("nouns are JSON")
}

/// What a form sends back.
pub(crate) fn version(document: &str) -> String {
    audit::Digest::of(document.as_bytes()).to_string()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(count: usize) -> Vec<Site> {
        let clinic = include_str!("../../../core/model/tests/documents/clinic.toml");
        let one = model::parse_document("a.toml", clinic).unwrap().site.unwrap();
        (0..count).map(|n| Site { id: format!("site-{n:04}").parse().unwrap(), ..one.clone() }).collect()
    }

    /// Forward and back every site is met exactly once, whatever the length of a part.
    #[test]
    fn parts_of_the_list_leave_none_out_and_repeat_none() {
        let all = sites(23);
        let all: Vec<&Site> = all.iter().collect();
        for limit in [1, 5, 22, 23, 24, 100] {
            let (mut forward, mut after) = (Vec::new(), None);
            loop {
                let part = SitesAsked { after: after.clone(), limit, ..SitesAsked::default() }.part(&all);
                assert!(part.len() <= limit);
                forward.extend(part.clone());
                after = all[part.clone()].last().map(|site| site.id.clone());
                if part.end == all.len() {
                    break;
                }
            }
            assert_eq!(forward, (0..all.len()).collect::<Vec<_>>());
            let back = SitesAsked { before: Some(all[7].id.clone()), limit, ..SitesAsked::default() }.part(&all);
            assert_eq!(back, 7_usize.saturating_sub(limit)..(7_usize.saturating_sub(limit) + limit).min(23));
        }
        let gone = SitesAsked { after: Some("site-0004x".parse().unwrap()), limit: 2, ..SitesAsked::default() };
        assert_eq!(gone.part(&all), 5..7, "a site that is no more is passed over");
        assert_eq!(SitesAsked { limit: 5, ..SitesAsked::default() }.part(&[]), 0..0);
    }

    #[test]
    fn words_stand_in_id_name_or_institution() {
        let mut site = sites(1).remove(0);
        site.name = Some(model::LocalizedName { ja: "青葉診療所".into(), en: "Aoba Clinic".into() });
        for (words, there) in
            [("", true), ("site-0", true), ("clinic", true), ("診療", true), ("aoba", true), ("x", false)]
        {
            assert_eq!(holds(&site, words), there, "{words}");
        }
    }
}
