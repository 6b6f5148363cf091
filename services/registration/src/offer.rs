//! Certificates for what is registered: a one-time token for a gate, a terminal, an institution's signing key (G1, G12).

use enrolment::OneTimeToken;
use issuing::{Identity, Offer};
use model::{HostId, SiteId, Timestamp};
use serde::Serialize;

use crate::{Refused, Registration, Who};

/// Shown here and never again.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Once {
    /// Who the certificate will be for.
    pub identity: String,
    /// The code, as a person types it.
    pub code: String,
    /// Address, server's key, name and code in one text, as a machine reads it.
    pub token: String,
    /// Until when it is good.
    pub until: Timestamp,
}

/// A token lasts as long as somebody needs to walk to the machine and back.
const HOURS: i64 = 24;

impl Registration {
    /// For the gate of a site: `sekisho-gate enroll`.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `NoAuthority`, `Issuing`.
    pub async fn gate_token(&self, who: Who<'_>, site: &SiteId) -> Result<Once, Refused> {
        who.change()?;
        let network = connections::applied_network(&self.center).await;
        let found = self.own(who, &network, site).await?;
        let identity = Identity::gate(site.as_str()).ok_or_else(Refused::no_such)?;
        let names = [found.gateway.ike_identity.clone()];
        self.offered(who, &identity, &self.organization(&network, &found.institution), &names).await
    }

    /// For a terminal of a site.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Part` for a host that is none or no terminal, `NoAuthority`, `Issuing`.
    pub async fn device_code(&self, who: Who<'_>, site: &SiteId, host: &HostId) -> Result<Once, Refused> {
        who.change()?;
        let network = connections::applied_network(&self.center).await;
        let found = self.own(who, &network, site).await?;
        if !found.hosts.get(host).is_some_and(|h| h.terminal) {
            return Err(Refused::Part { part: format!("{site}/{host}"), there: false });
        }
        let identity = Identity::device(site.as_str(), host.as_str()).ok_or_else(Refused::no_such)?;
        self.offered(who, &identity, &self.organization(&network, &found.institution), &[]).await
    }

    /// For the key with which an institution signs agreements; only for one the network knows.
    ///
    /// # Errors
    /// `MayNot`, `NoName`, `NotInNetwork`, `NoAuthority`, `Issuing`.
    pub async fn institution_code(&self, who: Who<'_>) -> Result<Once, Refused> {
        who.change()?;
        let member = self.confirmed(who).await?;
        let network = connections::applied_network(&self.center).await;
        if !network.institutions.contains_key(&member.network) {
            return Err(Refused::NotInNetwork);
        }
        let identity = Identity::institution(member.network.as_str()).ok_or_else(Refused::no_such)?;
        self.offered(who, &identity, &self.organization(&network, &member.network), &[]).await
    }

    fn organization(&self, network: &model::Network, institution: &model::InstitutionId) -> String {
        network.institutions.get(institution).map_or_else(|| institution.to_string(), |i| i.name.en.clone())
    }

    async fn offered(
        &self,
        who: Who<'_>,
        identity: &Identity,
        organization: &str,
        dns_names: &[String],
    ) -> Result<Once, Refused> {
        let (issuing, desk) = self.issuing.as_ref().ok_or(Refused::NoAuthority)?;
        let now = self.now();
        let operator = who.name();
        let until = now.plus_ms(HOURS * 3_600_000);
        let offer = Offer { identity, organization, dns_names, operator: &operator, until };
        let offered = issuing.offer(now, &offer).await?;
        let code = offered.code.expose().to_owned();
        let token = OneTimeToken {
            url: desk.url.clone(),
            server_key: desk.server_key,
            label: identity.kind().to_string(),
            name: identity.name().to_owned(),
            code: code.clone(),
        };
        Ok(Once { identity: identity.uri(), code, token: token.text(), until: offered.until })
    }
}

/// Not the secret.
impl std::fmt::Debug for Once {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Once({}, …)", self.identity)
    }
}
