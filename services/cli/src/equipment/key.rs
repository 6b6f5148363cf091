//! The key somebody signs with: in a file that only its owner may read, or on a PKCS#11 token.

use std::path::PathBuf;

use clap::Args;
use keys::{Key, KeyPlace};
use texts::Texts;

use crate::failure::Failure;
use crate::pin;

/// Where a key is.
#[derive(Debug, Args)]
pub struct KeyAt {
    /// The key's file (PKCS#8, PEM), readable by its owner only; made if there is none. 鍵のファイル
    #[arg(long, value_name = "FILE", conflicts_with = "module")]
    pub key: Option<PathBuf>,
    /// PKCS#11 library of the token the key is on; made there if there is none. トークンのライブラリ
    #[arg(long, value_name = "LIBRARY", requires = "key_label")]
    pub module: Option<PathBuf>,
    /// Label of the token, if there are several. トークンのラベル
    #[arg(long, value_name = "LABEL", requires = "module")]
    pub token: Option<String>,
    /// Label of the key on the token. 鍵のラベル
    #[arg(long, value_name = "LABEL", requires = "module")]
    pub key_label: Option<String>,
    /// Read the token's PIN from this descriptor instead of asking. PIN を読む記述子の番号
    #[arg(long, value_name = "N", requires = "module")]
    pub pin_fd: Option<u32>,
}

impl KeyAt {
    /// The key; in `otherwise` if no place is named.
    pub fn open(&self, otherwise: Option<PathBuf>, texts: &Texts) -> Result<Key, Failure> {
        let place = match (&self.module, &self.key_label) {
            (Some(module), Some(label)) => KeyPlace::Token {
                driver: keys::driver(module)?,
                token: self.token.clone(),
                pin: pin::read(self.pin_fd, &texts.say("cli-pin-prompt", &[]))?,
                label: label.clone(),
            },
            _ => {
                let path = self.key.clone().or(otherwise);
                KeyPlace::File(path.ok_or_else(|| Failure::Misread("--key".to_owned()))?)
            }
        };
        Ok(Key::open_or_make(&place)?)
    }
}
