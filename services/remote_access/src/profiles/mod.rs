//! What a person downloads to set a machine up (R6): a file or two per kind of client, made for one VPN-ID.
//!
//! No profile holds a password: the VPN password is shown once and typed by the person.

use std::net::IpAddr;

use crate::account::VpnId;
use crate::config::Config;

/// A file to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFile {
    /// Its name on the person's machine.
    pub name: &'static str,
    /// For `Content-Type`.
    pub media_type: &'static str,
    /// Contents.
    pub contents: String,
}

/// For whom a profile is made.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// The VPN's configuration.
    pub config: &'a Config,
    /// The CA of the VPN server's certificate, PEM.
    pub server_ca: &'a str,
    /// Whose.
    pub vpn_id: &'a VpnId,
}

const SWANCTL: &str = include_str!("files/swanctl.conf");
const VPN_ONLY: &str = include_str!("files/vpn-only.nft");

/// `swanctl.conf` for a machine with strongSwan, the server's CA, and the filter that lets nothing else through.
#[must_use]
pub fn strongswan(client: &Client<'_>) -> Vec<ProfileFile> {
    let conf = fill(SWANCTL, client);
    vec![
        ProfileFile { name: "sekisho.conf", media_type: "text/plain; charset=utf-8", contents: conf },
        ProfileFile {
            name: "sekisho-vpn-only.nft",
            media_type: "text/plain; charset=utf-8",
            contents: vpn_only(client.config),
        },
        server_ca(client),
    ]
}

fn server_ca(client: &Client<'_>) -> ProfileFile {
    ProfileFile {
        name: "sekisho-server-ca.crt",
        media_type: "application/x-pem-file",
        contents: client.server_ca.to_owned(),
    }
}

/// Names and VPN-IDs have no character that any of the formats would read otherwise; the configuration is the operator's.
fn fill(template: &str, client: &Client<'_>) -> String {
    template
        .replace("@ADDRESS@", client.config.reached_at())
        .replace("@NAME@", &client.config.name)
        .replace("@VPN-ID@", client.vpn_id.as_str())
}

/// With an address the filter names it; with a DNS name it lets IKE go to any address, and questions to name servers.
fn vpn_only(config: &Config) -> String {
    let (only_to, to, from, resolve, resolved) = match config.reached_at().parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => (" only", format!("ip daddr {address} "), format!("ip saddr {address} "), "", ""),
        Ok(IpAddr::V6(address)) => (" only", format!("ip6 daddr {address} "), format!("ip6 saddr {address} "), "", ""),
        Err(_) => (
            "",
            String::new(),
            String::new(),
            "meta l4proto { tcp, udp } th dport 53 accept",
            "meta l4proto { tcp, udp } th sport 53 ct state established accept",
        ),
    };
    let text = VPN_ONLY
        .replace("@ONLY-TO@", only_to)
        .replace("@TO@", &to)
        .replace("@FROM@", &from)
        .replace("@RESOLVED@", resolved)
        .replace("@RESOLVE@", resolve);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}
