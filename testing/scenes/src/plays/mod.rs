//! The six plays, one file each, and what they are raised from.

mod claims;
mod drug_safety;
mod eligibility;
mod maintenance;
mod prescription;
mod sharing;

use std::net::Ipv4Addr;

use story::{Account, Stage, StageError};
use texts::{Arg, Lang, Texts};

use crate::play::Play;
use crate::{Scene, Tried, trying};

/// Which of the six (N7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Letter {
    /// Medical information sharing between facilities.
    A,
    /// Claims submission.
    B,
    /// Remote maintenance of the claims terminal.
    C,
    /// Drug-safety information on the Internet.
    D,
    /// Online insurance-eligibility check.
    E,
    /// Electronic prescription.
    F,
}

/// The files of a scenario.
pub(crate) struct Files {
    pub scene: &'static str,
    pub threats: &'static str,
    pub documents: &'static [(&'static str, &'static str)],
}

macro_rules! files {
    ($folder:literal, [$($site:literal),+]) => {
        Files {
            scene: include_str!(concat!("../../scenarios/", $folder, "/scene.toml")),
            threats: include_str!(concat!("../../scenarios/", $folder, "/threats.toml")),
            documents: &[$(
                (concat!($site, ".toml"), include_str!(concat!("../../scenarios/", $folder, "/", $site, ".toml")))
            ),+],
        }
    };
}

impl Letter {
    /// All, in order.
    pub const ALL: [Self; 6] = [Self::A, Self::B, Self::C, Self::D, Self::E, Self::F];

    /// `a` to `f`.
    pub fn as_str(self) -> &'static str {
        &self.folder()[..1]
    }

    /// Its folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::A => "a-sharing",
            Self::B => "b-claims",
            Self::C => "c-maintenance",
            Self::D => "d-drug-safety",
            Self::E => "e-eligibility",
            Self::F => "f-prescription",
        }
    }

    pub(crate) fn files(self) -> Files {
        match self {
            Self::A => files!("a-sharing", ["hospital", "sakura"]),
            Self::B => files!("b-claims", ["clinic", "payer"]),
            Self::C => files!("c-maintenance", ["hospital", "maker"]),
            Self::D => files!("d-drug-safety", ["hospital", "clinic"]),
            Self::E => files!("e-eligibility", ["clinic", "payer"]),
            Self::F => files!("f-prescription", ["clinic", "pharmacy", "platform"]),
        }
    }
}

impl std::str::FromStr for Letter {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|l| l.as_str() == text || l.folder() == text);
        found.ok_or_else(|| format!("`{text}` is none of the scenarios a, b, c, d, e, f"))
    }
}

/// Raises a scenario, plays it, takes it down; each has a lab of its own. What does not hold stands in the account, and
/// so does a threat that no check of the play tried. With `pictures` it leaves screenshots under `target/demo`.
pub fn play(letter: Letter, lang: Lang, pictures: bool, account: &mut Account) {
    account.begin_part();
    let scene = match Scene::load(letter) {
        Ok(scene) => scene,
        Err(error) => return account.check("scene-played", &[], Err(error)),
    };
    if let Err(error) = tell(&scene, lang, pictures, account) {
        account.check("scene-played", &[], Err(error));
    }
    let untried = |key: &&String| account.verdicts().get(*key) != Some(&true);
    let keys = scene.threats.iter().flat_map(|t| &t.tests).filter(|name| matches!(trying(name), Tried::Check(_)));
    // Checks of the demo are tried by the demo.
    let missing: Vec<String> = keys.filter(|key| key.starts_with("scene-")).filter(untried).cloned().collect();
    let outcome = if missing.is_empty() { Ok(()) } else { Err(missing.join(", ")) };
    let count = i64::try_from(scene.threats.len()).unwrap_or(i64::MAX);
    account.check("scene-threats-tried", &[("threats", Arg::Number(count))], outcome);
}

fn tell(scene: &Scene, lang: Lang, pictures: bool, account: &mut Account) -> Result<(), StageError> {
    let letter = scene.letter;
    let texts = Texts::new(lang);
    let in_lang = |name: &model::LocalizedName| match lang {
        Lang::Ja => name.ja.clone(),
        Lang::En => name.en.clone(),
    };
    account.heading(&format!("({}) {}", letter.as_str(), in_lang(&scene.name)));
    account.quote(&in_lang(&scene.summary));
    let mut stage = Stage::raise_set(lang, 0, scene.set.clone(), &|_| {})?;
    for host in &scene.internet {
        plug(&mut stage, &host.host, host.address)?;
    }
    account.say(&texts.say("scene-raised", &[]));
    let pictures = pictures.then(|| (letter, lang.as_str()));
    let mut play = Play::begin(&mut stage, account, pictures)?;
    match letter {
        Letter::A => sharing::tell(&mut play)?,
        Letter::B => claims::tell(&mut play)?,
        Letter::C => maintenance::tell(&mut play)?,
        Letter::D => drug_safety::tell(&mut play)?,
        Letter::E => eligibility::tell(&mut play)?,
        Letter::F => prescription::tell(&mut play)?,
    }
    play.end()
}

/// A host of its own on the Internet, or a second line of a host of a site.
fn plug(stage: &mut Stage, host: &str, address: Ipv4Addr) -> Result<(), StageError> {
    if host.contains('/') {
        let netns = format!("sk-{}", host.replace('/', "-"));
        Ok(stage.lab().plug_into_internet(&netns, address)?)
    } else {
        Ok(stage.lab_mut().add_internet_host(host, address)?)
    }
}
