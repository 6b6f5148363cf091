//! strongSwan's control socket (VICI): values, commands, lists.
//!
//! Knows how to ask and how to read an answer. It must not know what is asked for: no connection, account or grant.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod value;

pub use rsvici::Client;
pub use value::Vici;

use serde::Serialize;
use tokio_stream::{Stream, StreamExt as _};

/// The conversation broke; charon probably ended. Connect again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("strongSwan's control socket broke: {0}")]
pub struct Broken(pub String);

/// Sends a command. Outside: a broken conversation. Inside: what strongSwan refused, in its words.
pub async fn request<T: Serialize>(
    client: &mut Client,
    command: &str,
    message: &T,
) -> Result<Result<(), String>, Broken> {
    let began = std::time::Instant::now();
    let reply = client.request::<&T, Vici>(command, message).await;
    tracing::debug!(command, took = ?began.elapsed(), "strongSwan answered");
    match reply {
        Ok(reply) if reply.text("success") == Some("no") => {
            Ok(Err(reply.text("errmsg").unwrap_or("no reason given").to_owned()))
        }
        Ok(_) => Ok(Ok(())),
        Err(error) if error.is_command_failed() => Ok(Err(error.to_string())),
        Err(error) => Err(Broken(error.to_string())),
    }
}

/// Everything a streamed command gives, e.g. `client.stream_request("list-sas", "list-sa", ())`.
pub async fn collect<T>(stream: impl Stream<Item = Result<T, rsvici::Error>>) -> Result<Vec<T>, Broken> {
    let mut stream = std::pin::pin!(stream);
    let mut all = Vec::new();
    while let Some(item) = stream.next().await {
        all.push(item.map_err(|e| Broken(e.to_string()))?);
    }
    Ok(all)
}

/// VICI values are bytes; DER and hashes are no text.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A value that is bytes and no text, in an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl<'de> serde::Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Octets;
        impl serde::de::Visitor<'_> for Octets {
            type Value = Blob;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("octets")
            }
            fn visit_bytes<E>(self, octets: &[u8]) -> Result<Blob, E> {
                Ok(Blob(octets.to_vec()))
            }
            fn visit_byte_buf<E>(self, octets: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(octets))
            }
            fn visit_str<E>(self, text: &str) -> Result<Blob, E> {
                Ok(Blob(text.as_bytes().to_vec()))
            }
        }
        deserializer.deserialize_byte_buf(Octets)
    }
}

/// The certificates of a PEM text, one each: strongSwan reads only the first of a value.
pub fn certificates(text: &str) -> Vec<String> {
    text.split_inclusive("-----END CERTIFICATE-----")
        .filter(|part| part.ends_with("-----END CERTIFICATE-----"))
        .filter_map(|part| part.find("-----BEGIN CERTIFICATE-----").map(|at| part[at..].to_owned() + "\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn certificates_come_one_by_one_without_what_is_between() {
        let one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let text = format!("subject: x\n{one}\ny\n{one}-----BEGIN CERTIFICATE-----\ncut");
        assert_eq!(certificates(&text), [one, one]);
        assert!(certificates("").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_without_a_panic(text in "(-----BEGIN CERTIFICATE-----|-----END CERTIFICATE-----|\\PC){0,9}") {
            for one in certificates(&text) {
                prop_assert!(one.starts_with("-----BEGIN CERTIFICATE-----"));
            }
        }
    }
}
