//! One line opened by hand with `ovs-ofctl` and `swanctl`: checks the lab itself, and is the bare peer in benchmarks.
//!
//! Rules for ARP and for tracking are not what the product installs; they only serve this purpose.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{HttpsIdentity, Lab, LabError, Site, process};

/// One service of one host for one other host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Name of the child, and of nothing else in the lab.
    pub name: String,
    /// Site and host that connect.
    pub origin: (String, String),
    /// Site and host that answer.
    pub provider: (String, String),
    /// TCP port that answers.
    pub port: u16,
}

/// A self-signed certificate and its key.
#[derive(Debug, Clone)]
pub struct SelfSigned {
    /// PEM file of the certificate.
    pub cert: PathBuf,
    /// PEM file of the private key (PKCS#8).
    pub key: PathBuf,
}

impl SelfSigned {
    /// Makes one (ECDSA P-256) with `openssl` in the lab's scratch directory.
    pub fn create(lab: &Lab, name: &str) -> Result<Self, LabError> {
        let path = |ending: &str| lab.scratch().join(format!("{name}.{ending}"));
        let made = Self { cert: path("crt"), key: path("key") };
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]);
        openssl.args(["-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName=DNS:{name}")]);
        // An end entity: TLS libraries refuse a CA certificate as a server's.
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        process::run(openssl.arg("-keyout").arg(&made.key).arg("-out").arg(&made.cert))?;
        Ok(made)
    }

    /// The same as an identity for the lab's HTTPS server.
    pub fn https(&self) -> Result<HttpsIdentity, LabError> {
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(LabError::io(path.display().to_string()));
        Ok(HttpsIdentity { cert_pem: read(&self.cert)?, key_pem: read(&self.key)? })
    }
}

/// Loads one IKE connection between two sites with a child for each line. Later calls replace the children.
pub fn load(lab: &Lab, a: &str, b: &str, lines: &[Line]) -> Result<(), LabError> {
    let mut certs = Vec::new();
    for site in [a, b] {
        let made = SelfSigned {
            cert: lab.scratch().join(format!("gate-{site}.crt")),
            key: lab.scratch().join(format!("gate-{site}.key")),
        };
        certs.push(if made.cert.exists() { made } else { SelfSigned::create(lab, &format!("gate-{site}"))? });
    }
    for (here, there, own, peer) in [(a, b, &certs[0], &certs[1]), (b, a, &certs[1], &certs[0])] {
        let (here, there) = (lab.site(here)?, lab.site(there)?);
        let directory = here.charon.directory();
        for (folder, name, file) in
            [("x509", "own.crt", &own.cert), ("x509", "peer.crt", &peer.cert), ("private", "own.key", &own.key)]
        {
            let folder = directory.join(folder);
            fs::create_dir_all(&folder).map_err(LabError::io(folder.display().to_string()))?;
            fs::copy(file, folder.join(name)).map_err(LabError::io(file.display().to_string()))?;
        }
        let mut children = String::new();
        for line in lines {
            children += &child(lab, line, &here.spec.id)?;
        }
        let conf = directory.join("swanctl.conf");
        fs::write(&conf, connection(here, there, &children)).map_err(LabError::io(conf.display().to_string()))?;
        here.charon.swanctl(&["--load-all", "--noprompt", "--file", &conf.display().to_string()])?;
    }
    Ok(())
}

/// Sets up the child (and IKE, if need be) from the origin's side; gives the time that `swanctl` took.
pub fn initiate(lab: &Lab, line: &Line) -> Result<Duration, LabError> {
    let start = Instant::now();
    lab.site(&line.origin.0)?.charon.swanctl(&["--initiate", "--child", &line.name, "--timeout", "10"])?;
    Ok(start.elapsed())
}

/// Ends the child and gives the time that `swanctl` took.
pub fn terminate(lab: &Lab, line: &Line) -> Result<Duration, LabError> {
    let start = Instant::now();
    lab.site(&line.origin.0)?.charon.swanctl(&["--terminate", "--child", &line.name])?;
    Ok(start.elapsed())
}

/// Installs the rules that any line needs: ARP is flooded, IP is tracked in zone 5, and all else is dropped.
pub fn base_flows(site: &Site) -> Result<(), LabError> {
    for rule in [
        "table=0,priority=100,arp,actions=NORMAL",
        "table=0,priority=90,ip,ct_state=-trk,actions=ct(table=1,zone=5)",
        "table=1,priority=0,actions=drop",
    ] {
        site.switch.ofctl(&["add-flow", "br0", rule])?;
    }
    Ok(())
}

/// Installs the line's three rules at both switches, all under one cookie.
pub fn open_flows(lab: &Lab, line: &Line, cookie: u32) -> Result<(), LabError> {
    let (client, server) = (end(lab, &line.origin)?, end(lab, &line.provider)?);
    let there = format!("tcp,nw_src={},nw_dst={},tp_dst={}", client.address, server.address, line.port);
    let back = format!("tcp,nw_src={},nw_dst={},tp_src={}", server.address, client.address, line.port);
    for (site, inward, outward) in
        [(&line.origin.0, client.port, client.uplink), (&line.provider.0, server.uplink, server.port)]
    {
        for (state, matching, from, actions) in [
            ("+trk+new", &there, inward, format!("ct(commit,zone=5),output:{outward}")),
            ("+trk+est", &there, inward, format!("output:{outward}")),
            ("+trk+est", &back, outward, format!("output:{inward}")),
        ] {
            let rule = format!(
                "cookie={cookie},table=1,priority=100,in_port={from},ct_state={state},{matching},actions={actions}"
            );
            lab.site(site)?.switch.ofctl(&["add-flow", "br0", &rule])?;
        }
    }
    Ok(())
}

/// Deletes the cookie's rules at both switches and forgets tracked connections.
pub fn close_flows(lab: &Lab, line: &Line, cookie: u32) -> Result<(), LabError> {
    for site in [&line.origin.0, &line.provider.0] {
        let switch = &lab.site(site)?.switch;
        switch.ofctl(&["del-flows", "br0", &format!("cookie={cookie}/-1")])?;
        switch.flush_conntrack()?;
    }
    Ok(())
}

struct End {
    address: IpAddr,
    port: u16,
    uplink: u16,
}

fn end(lab: &Lab, (site, host): &(String, String)) -> Result<End, LabError> {
    let spec = &lab.site(site)?.spec;
    let found = spec.host(host).ok_or_else(|| LabError::Unknown { kind: "host", name: format!("{site}/{host}") })?;
    Ok(End { address: found.address, port: found.port, uplink: spec.uplink_port })
}

fn child(lab: &Lab, line: &Line, site: &str) -> Result<String, LabError> {
    let client = format!("{}/32[tcp]", end(lab, &line.origin)?.address);
    let server = format!("{}/32[tcp/{}]", end(lab, &line.provider)?.address, line.port);
    let (local, remote) = if line.origin.0 == site { (client, server) } else { (server, client) };
    let name = &line.name;
    Ok(format!(
        "            {name} {{\n                local_ts = {local}\n                remote_ts = {remote}\n                esp_proposals = aes256gcm16-ecp256\n            }}\n"
    ))
}

fn connection(here: &Site, there: &Site, children: &str) -> String {
    format!(
        "connections {{
    {peer} {{
        version = 2
        local_addrs = {local}
        remote_addrs = {remote}
        proposals = aes256gcm16-prfsha384-ecp256
        local {{
            auth = pubkey
            certs = own.crt
            id = gate-{own}
        }}
        remote {{
            auth = pubkey
            certs = peer.crt
            id = gate-{peer}
        }}
        children {{
{children}        }}
    }}
}}
",
        peer = there.spec.id,
        own = here.spec.id,
        local = here.spec.wan,
        remote = there.spec.wan,
    )
}
