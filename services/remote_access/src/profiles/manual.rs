//! The manual page of each kind of client, ja and en: HTML that stands inside a page of the portal.

use texts::Lang;

use super::Profile;
use crate::config::Config;

/// The page's body: headings from `h2` on, no scripts, no styles.
#[must_use]
pub fn manual(profile: Profile, lang: Lang, config: &Config) -> String {
    let text = match (profile, lang) {
        (Profile::StrongSwan, Lang::Ja) => include_str!("manuals/strongswan.ja.html"),
        (Profile::StrongSwan, Lang::En) => include_str!("manuals/strongswan.en.html"),
        (Profile::NetworkManager, Lang::Ja) => include_str!("manuals/networkmanager.ja.html"),
        (Profile::NetworkManager, Lang::En) => include_str!("manuals/networkmanager.en.html"),
        (Profile::Windows, Lang::Ja) => include_str!("manuals/windows.ja.html"),
        (Profile::Windows, Lang::En) => include_str!("manuals/windows.en.html"),
        (Profile::Apple, Lang::Ja) => include_str!("manuals/apple.ja.html"),
        (Profile::Apple, Lang::En) => include_str!("manuals/apple.en.html"),
    };
    let trouble = match lang {
        Lang::Ja => include_str!("manuals/trouble.ja.html"),
        Lang::En => include_str!("manuals/trouble.en.html"),
    };
    format!("{text}{trouble}")
        .replace("@NAME@", &escaped(&config.name))
        .replace("@ADDRESS@", &escaped(config.reached_at()))
        .replace("@LOGIN@", &escaped(&config.login))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
