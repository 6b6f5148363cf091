//! What a person downloads to set a machine up (R6): a file or two per kind of client, made for one VPN-ID.
//!
//! No profile holds a password: the VPN password is shown once and typed by the person.

mod manual;

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::account::VpnId;
use crate::config::Config;

pub use manual::manual;

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

/// A kind of client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// strongSwan on Linux: machine and person are proved (RFC 4739).
    StrongSwan,
    /// NetworkManager on Linux with its strongSwan plugin: the person only.
    NetworkManager,
    /// Windows 10 and 11: the person only.
    Windows,
    /// macOS, iOS, iPadOS: the person only.
    Apple,
}

impl Profile {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::StrongSwan, Self::NetworkManager, Self::Windows, Self::Apple];

    /// Its name in addresses: `strongswan`, `networkmanager`, `windows`, `apple`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StrongSwan => "strongswan",
            Self::NetworkManager => "networkmanager",
            Self::Windows => "windows",
            Self::Apple => "apple",
        }
    }

    /// From its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether such a client proves its machine by IKE.
    #[must_use]
    pub fn proves_machine(self) -> bool {
        match self {
            Self::StrongSwan => true,
            Self::NetworkManager | Self::Windows | Self::Apple => false,
        }
    }

    /// Whether the server lets such clients in at all.
    #[must_use]
    pub fn is_offered(self, config: &Config) -> bool {
        self.proves_machine() || config.pool_unchecked.is_some()
    }

    /// Its files for one VPN-ID.
    #[must_use]
    pub fn files(self, client: &Client<'_>) -> Vec<ProfileFile> {
        match self {
            Self::StrongSwan => strongswan(client),
            Self::NetworkManager => vec![
                ProfileFile {
                    name: "sekisho.nmconnection",
                    media_type: TEXT,
                    contents: fill(NETWORK_MANAGER, client).replace("@UUID@", &uuid(client, "networkmanager")),
                },
                server_ca(client),
            ],
            Self::Windows => vec![ProfileFile {
                name: "sekisho-vpn.ps1",
                media_type: TEXT,
                // Notepad and old editors of Windows want both.
                contents: fill(WINDOWS, client).replace("@SERVER-CA@", client.server_ca.trim()).replace('\n', "\r\n"),
            }],
            Self::Apple => vec![ProfileFile {
                name: "sekisho.mobileconfig",
                media_type: "application/x-apple-aspen-config",
                contents: apple(client),
            }],
        }
    }
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

const TEXT: &str = "text/plain; charset=utf-8";
const NETWORK_MANAGER: &str = include_str!("files/networkmanager.nmconnection");
const WINDOWS: &str = include_str!("files/windows.ps1");
const APPLE: &str = include_str!("files/apple.mobileconfig");
const SWANCTL: &str = include_str!("files/swanctl.conf");
const VPN_ONLY: &str = include_str!("files/vpn-only.nft");

/// `swanctl.conf`, the filter that lets nothing else through, and the server's CA.
fn strongswan(client: &Client<'_>) -> Vec<ProfileFile> {
    let conf = fill(SWANCTL, client);
    vec![
        ProfileFile { name: "sekisho.conf", media_type: TEXT, contents: conf },
        ProfileFile { name: "sekisho-vpn-only.nft", media_type: TEXT, contents: vpn_only(client.config) },
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

fn apple(client: &Client<'_>) -> String {
    let der: String = client.server_ca.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    // Through octets and back: what is no base64 does not get into the file.
    let der = STANDARD.encode(STANDARD.decode(der).unwrap_or_default());
    fill(APPLE, client)
        .replace("@UUID-PROFILE@", &uuid(client, "profile"))
        .replace("@UUID-AUTHORITY@", &uuid(client, "authority"))
        .replace("@UUID-VPN@", &uuid(client, "vpn"))
        .replace("@SERVER-CA-DER@", &der)
}

/// The same for the same server, VPN-ID and part, so that a profile installed again replaces the one of before (RFC 9562
/// §5.8).
fn uuid(client: &Client<'_>, part: &str) -> String {
    let digest = Sha256::digest(format!("{}\n{}\n{part}", client.config.name, client.vpn_id));
    let mut octets: [u8; 16] = std::array::from_fn(|at| digest[at]);
    octets[6] = (octets[6] & 0x0f) | 0x80;
    octets[8] = (octets[8] & 0x3f) | 0x80;
    let hex = crate::session::hex(&octets);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]).to_uppercase()
}

/// Names and VPN-IDs have no character that any of the formats would read otherwise; the configuration is the operator's.
fn fill(template: &str, client: &Client<'_>) -> String {
    template
        .replace("@ADDRESS@", client.config.reached_at())
        .replace("@NAME@", &client.config.name)
        .replace("@VPN-ID@", client.vpn_id.as_str())
        .replace("@LOGIN@", &client.config.login)
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
