//! What belongs to a site: hosts, the services they offer, and the whitelist lines of its own policy (N1, G10, G12).

use audit::Event;
use joining::{Field, FieldCode, text};
use model::{
    AllowRule, Host, HostId, HostRef, LocalizedName, PortNo, Protocol, Service, ServiceId, Site, SiteId, SwitchPort,
};
use serde::{Deserialize, Serialize};

use crate::form::{Reading, names, words};
use crate::site::{version, written};
use crate::{Refused, Registration, Who};

/// A host, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HostForm {
    /// Version of the site it was typed for.
    pub version: String,
    /// Its id.
    pub host: String,
    /// Its segment.
    pub segment: String,
    /// Its address.
    pub address: String,
    /// Its MAC.
    pub mac: String,
    /// Number of the switch port.
    pub port: String,
    /// `on` or `true` if people open connections from it.
    pub terminal: String,
    /// What it is for, if services ask for it, e.g. `claims-terminal`.
    pub kind: String,
}

/// A service, as typed. Other conditions come with documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServiceForm {
    /// Version of the site it was typed for.
    pub version: String,
    /// Its id within the institution.
    pub service: String,
    /// Its name in Japanese.
    pub name_ja: String,
    /// Its name in English.
    pub name_en: String,
    /// The host that offers it.
    pub host: String,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Port numbers, commas between.
    pub ports: String,
    /// Qualifications admitted (hcRole texts), commas between.
    pub roles: String,
    /// Minutes a connection lasts at most; 60 if left out.
    pub lease: String,
}

/// A whitelist line, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LineForm {
    /// Version of the site it was typed for.
    pub version: String,
    /// The service, `institution/name`.
    pub service: String,
    /// Qualifications that may (hcRole texts), commas between.
    pub roles: String,
    /// Terminals they may use, commas between.
    pub from: String,
}

/// Something to be taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RemoveForm {
    /// Version of the site it was chosen in.
    pub version: String,
}

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;
/// The longest lease a document may name.
const LONGEST_LEASE: u32 = 24 * 60;

impl HostForm {
    fn read(&self, site: &Site) -> Result<Host, Refused> {
        let mut reading = Reading::default();
        let id: Option<HostId> = reading.need(Field::Host, &self.host);
        let segment = reading.need(Field::Segment, &self.segment);
        let address = reading.need(Field::Address, &self.address);
        let mac = reading.need(Field::Mac, &self.mac);
        let port: Option<u32> = reading.need(Field::Port, &self.port);
        if port.is_some_and(|port| !(1..=0xfeff).contains(&port)) {
            reading.wrong(Field::Port, FieldCode::Malformed);
        }
        let kind = reading.may(Field::Kind, &self.kind);
        let whole =
            id.zip(segment).zip(address.zip(mac)).zip(port).map(|(((id, segment), (address, mac)), port)| Host {
                id,
                segment,
                address,
                mac,
                port: SwitchPort { switch: site.switch.id.clone(), port: PortNo(port) },
                terminal: matches!(self.terminal.trim(), "on" | "true"),
                kind,
                proxy: None,
            });
        Ok(reading.done(whole)?)
    }
}

impl ServiceForm {
    fn read(&self, site: &Site) -> Result<Service, Refused> {
        let mut reading = Reading::default();
        let name: Option<HostId> = reading.need(Field::Service, &self.service);
        let ja = reading.took(text(Field::NameJa, &self.name_ja));
        let en = reading.took(text(Field::NameEn, &self.name_en));
        let host: Option<HostId> = reading.need(Field::Host, &self.host);
        let protocols = [("tcp", Protocol::Tcp), ("udp", Protocol::Udp)];
        let protocol = reading.one_of(Field::Protocol, &self.protocol, &protocols);
        let ports: Result<Vec<u16>, _> = words(&self.ports).map(str::parse).collect();
        match &ports {
            Ok(ports) if ports.is_empty() => reading.wrong(Field::Ports, FieldCode::Empty),
            Ok(ports) if !ports.contains(&0) => {}
            Ok(_) | Err(_) => reading.wrong(Field::Ports, FieldCode::Malformed),
        }
        let roles = roles(&mut reading, &self.roles);
        let lease: Option<u32> = reading.may(Field::Lease, &self.lease);
        if lease.is_some_and(|minutes| !(1..=LONGEST_LEASE).contains(&minutes)) {
            reading.wrong(Field::Lease, FieldCode::Malformed);
        }
        let lease_ms = lease.map_or(HOUR_MS, |minutes| i64::from(minutes) * MINUTE_MS);
        let whole = name.zip(ja.zip(en)).zip(host.zip(protocol)).zip(ports.ok());
        let whole = whole.map(|(((name, (ja, en)), (host, protocol)), mut ports)| {
            ports.sort_unstable();
            ports.dedup();
            Service {
                id: ServiceId { institution: site.institution.clone(), name },
                name: LocalizedName { ja, en },
                host: HostRef { site: site.id.clone(), host },
                protocol,
                ports,
                roles,
                window: None,
                lease_ms,
                kind: None,
                devices: Vec::new(),
                zones: Vec::new(),
                idle_ms: None,
                warn_ms: (5 * MINUTE_MS).min(lease_ms / 4),
                exclusive: None,
                shares: None,
                approval: None,
                booked: None,
            }
        });
        Ok(reading.done(whole)?)
    }
}

impl LineForm {
    fn read(&self) -> Result<AllowRule, Refused> {
        let mut reading = Reading::default();
        let service = reading.need(Field::Service, &self.service);
        let roles = roles(&mut reading, &self.roles);
        let from: Result<Vec<HostId>, _> = words(&self.from).map(str::parse).collect();
        match &from {
            Ok(hosts) if hosts.is_empty() => reading.wrong(Field::From, FieldCode::Empty),
            Ok(_) => {}
            Err(_) => reading.wrong(Field::From, FieldCode::Malformed),
        }
        let whole = service.zip(from.ok()).map(|(service, from)| AllowRule { roles, from, service });
        Ok(reading.done(whole)?)
    }
}

/// hcRole texts hold blanks, so only commas and lines are between them.
fn roles(reading: &mut Reading, typed: &str) -> Vec<String> {
    let all: Vec<String> = names(typed).map(str::to_owned).collect();
    if all.is_empty() {
        reading.wrong(Field::Roles, FieldCode::Empty);
    }
    all
}

/// A site that is being changed, with its services.
struct Draft {
    site: Site,
    services: Vec<Service>,
}

type Edit<'e> = &'e (dyn Fn(&mut Draft) -> Result<String, Refused> + Sync);

impl Registration {
    /// Registers a host.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Fields`, `Part`, `Policy`, `Registry`.
    pub async fn add_host(&self, who: Who<'_>, site: &SiteId, form: &HostForm) -> Result<(), Refused> {
        let edit = |draft: &mut Draft| {
            let host = form.read(&draft.site)?;
            let part = format!("{}/{}", draft.site.id, host.id);
            let what = format!("host {} added", host.id);
            match draft.site.hosts.insert(host.id.clone(), host) {
                None => Ok(what),
                Some(_) => Err(Refused::Part { part, there: true }),
            }
        };
        self.edit(who, site, &form.version, &edit).await
    }

    /// Takes a host away. What still needs it refuses that.
    ///
    /// # Errors
    /// As [`Registration::add_host`].
    pub async fn remove_host(
        &self,
        who: Who<'_>,
        site: &SiteId,
        host: &HostId,
        form: &RemoveForm,
    ) -> Result<(), Refused> {
        let edit = |draft: &mut Draft| match draft.site.hosts.remove(host) {
            Some(_) => Ok(format!("host {host} removed")),
            None => Err(Refused::Part { part: format!("{site}/{host}"), there: false }),
        };
        self.edit(who, site, &form.version, &edit).await
    }

    /// Registers a service of a host of the site.
    ///
    /// # Errors
    /// As [`Registration::add_host`].
    pub async fn add_service(&self, who: Who<'_>, site: &SiteId, form: &ServiceForm) -> Result<(), Refused> {
        let edit = |draft: &mut Draft| {
            let service = form.read(&draft.site)?;
            if draft.services.iter().any(|s| s.id == service.id) {
                return Err(Refused::Part { part: service.id.to_string(), there: true });
            }
            let what = format!("service {} added", service.id);
            draft.services.push(service);
            Ok(what)
        };
        self.edit(who, site, &form.version, &edit).await
    }

    /// Takes a service away. An agreement about it refuses that.
    ///
    /// # Errors
    /// As [`Registration::add_host`].
    pub async fn remove_service(
        &self,
        who: Who<'_>,
        site: &SiteId,
        name: &HostId,
        form: &RemoveForm,
    ) -> Result<(), Refused> {
        let edit = |draft: &mut Draft| {
            let before = draft.services.len();
            draft.services.retain(|service| service.id.name != *name);
            if draft.services.len() == before {
                return Err(Refused::Part { part: name.to_string(), there: false });
            }
            Ok(format!("service {name} removed"))
        };
        self.edit(who, site, &form.version, &edit).await
    }

    /// Adds a line to the site's whitelist: who of its people may use which service from which terminals (N1).
    ///
    /// # Errors
    /// As [`Registration::add_host`].
    pub async fn add_line(&self, who: Who<'_>, site: &SiteId, form: &LineForm) -> Result<(), Refused> {
        let edit = |draft: &mut Draft| {
            let rule = form.read()?;
            let what = format!("line for {} added", rule.service);
            draft.site.allow.push(rule);
            Ok(what)
        };
        self.edit(who, site, &form.version, &edit).await
    }

    /// Takes a line of the whitelist away; live connections it carries end with it.
    ///
    /// # Errors
    /// As [`Registration::add_host`].
    pub async fn remove_line(
        &self,
        who: Who<'_>,
        site: &SiteId,
        index: usize,
        form: &RemoveForm,
    ) -> Result<(), Refused> {
        let edit = |draft: &mut Draft| {
            if index >= draft.site.allow.len() {
                return Err(Refused::Part { part: format!("{site}/allow[{index}]"), there: false });
            }
            let rule = draft.site.allow.remove(index);
            Ok(format!("line for {} removed", rule.service))
        };
        self.edit(who, site, &form.version, &edit).await
    }

    /// Changes a site as it was seen, as the document it is then, through the same door as every document.
    async fn edit(&self, who: Who<'_>, site: &SiteId, seen: &str, edit: Edit<'_>) -> Result<(), Refused> {
        who.change()?;
        let mut last = Refused::changed();
        let own = self.reads(who).await?;
        for _ in 0..Self::TRIES {
            let network = connections::applied_network(&self.center).await;
            let found = self.own(who, &network, site).await?.clone();
            let services: Vec<Service> =
                network.services.values().filter(|service| service.host.site == *site).cloned().collect();
            if version(&written(&found, &services)) != seen.trim() {
                return Err(Refused::changed());
            }
            let mut draft = Draft { site: found, services };
            let what = edit(&mut draft)?;
            let document = (format!("{site}.toml"), written(&draft.site, &draft.services));
            let event = Event::SiteChanged { site: site.clone(), by: who.name(), what };
            let beside = who.commit(self.now()).event(event);
            match connections::apply_from(&self.center, &network, vec![document], who.name(), beside).await {
                Ok(_) => return Ok(()),
                Err(no) => last = Refused::told(no, &network, own.as_ref()),
            }
            if !last.is_meanwhile() {
                return Err(last);
            }
        }
        Err(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let text = include_str!("../../../core/model/tests/documents/clinic.toml");
        model::parse_document("clinic.toml", text).unwrap().site.unwrap()
    }

    fn faults(no: Refused) -> Vec<(Field, FieldCode)> {
        no.faults().iter().map(|f| (f.field, f.code)).collect()
    }

    #[test]
    fn a_host_is_read_and_every_field_has_its_fault() {
        let form = HostForm {
            version: String::new(),
            host: " exam-9 ".into(),
            segment: "exam-rooms".into(),
            address: "10.1.20.19".into(),
            mac: "02:00:00:01:20:19".into(),
            port: "9".into(),
            terminal: "on".into(),
            kind: "claims-terminal".into(),
        };
        let host = form.read(&site()).unwrap();
        assert_eq!((host.id.as_str(), host.port.to_string().as_str(), host.terminal), ("exam-9", "sw1/9", true));
        let empty = faults(HostForm::default().read(&site()).unwrap_err());
        let fields = [Field::Host, Field::Segment, Field::Address, Field::Mac, Field::Port];
        assert_eq!(empty, fields.map(|f| (f, FieldCode::Empty)));
        let wrong = HostForm { port: "0".into(), address: "10.1.20".into(), kind: "A B".into(), ..form };
        let all = [Field::Address, Field::Port, Field::Kind].map(|f| (f, FieldCode::Malformed));
        let mut found = faults(wrong.read(&site()).unwrap_err());
        found.sort();
        let mut all = all.to_vec();
        all.sort();
        assert_eq!(found, all);
    }

    #[test]
    fn a_service_and_a_line_are_read_as_documents_would_be() {
        let form = ServiceForm {
            version: String::new(),
            service: "records".into(),
            name_ja: "記録".into(),
            name_en: "Records".into(),
            host: "exam-1".into(),
            protocol: "tcp".into(),
            ports: "8443, 443 443".into(),
            roles: "Medical Doctor、Pharmacist".into(),
            lease: String::new(),
        };
        let service = form.read(&site()).unwrap();
        assert_eq!((service.ports.as_slice(), service.roles.len(), service.lease_ms), (&[443, 8443][..], 2, HOUR_MS));
        // The document it becomes is read back the same: the form leaves nothing that a document would not say.
        let text = written(&site(), std::slice::from_ref(&service));
        assert_eq!(model::parse_document("clinic.toml", &text).unwrap().services, [service]);
        let wrong = ServiceForm { ports: "0".into(), lease: "1441".into(), protocol: "sctp".into(), ..form };
        let found = faults(wrong.read(&site()).unwrap_err());
        assert!(
            found.contains(&(Field::Ports, FieldCode::Malformed))
                && found.contains(&(Field::Lease, FieldCode::Malformed))
        );
        assert!(found.contains(&(Field::Protocol, FieldCode::Unknown)));
        let line = LineForm {
            from: "exam-1, exam-2".into(),
            service: "keyaki/records".into(),
            roles: "Medical Doctor".into(),
            ..LineForm::default()
        };
        assert_eq!(line.read().unwrap().from.len(), 2);
        let empty = faults(LineForm::default().read().unwrap_err());
        assert_eq!(empty, [Field::Service, Field::Roles, Field::From].map(|f| (f, FieldCode::Empty)));
    }
}
