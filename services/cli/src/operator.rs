//! The operator's side: the center's Unix socket.

use std::path::Path;

use model::GrantId;
use texts::Lang;
use tokio::net::UnixStream;
use wire::api::{CloseReport, Explanation, LogPage, LogVerdict, Status, ThreePoints};

use crate::arguments::{Closing, RefusalNumber};
use crate::failure::Failure;
use crate::http::Json;

/// A session with the center on this machine.
pub struct Operator {
    json: Json,
}

impl Operator {
    /// Connects.
    pub async fn reach(socket: &Path, lang: Lang) -> Result<Self, Failure> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|e| Failure::Unreachable { what: socket.display().to_string(), why: e.to_string() })?;
        Ok(Self { json: Json::over(stream, "center", lang.as_str()).await? })
    }

    /// The session itself.
    pub fn json(&mut self) -> &mut Json {
        &mut self.json
    }

    /// Sites and connections.
    pub async fn status(&mut self) -> Result<Status, Failure> {
        self.json.get("/v1/status").await
    }

    /// A refusal told again.
    pub async fn explain(&mut self, refusal: RefusalNumber, picture: bool) -> Result<Explanation, Failure> {
        self.json.get(&format!("/v1/refusals/{}?picture={picture}", refusal.0)).await
    }

    /// Entries of the record, all pages up to `limit`.
    pub async fn log(&mut self, after: Option<u64>, limit: Option<u32>) -> Result<LogPage, Failure> {
        let (mut after, mut left) = (after, limit);
        let mut all = LogPage { entries: Vec::new(), next: None };
        loop {
            let size = left.unwrap_or(1000).min(1000);
            let from = after.map(|n| format!("&after={n}")).unwrap_or_default();
            let page: LogPage = self.json.get(&format!("/v1/log?limit={size}{from}")).await?;
            left = left.map(|n| n.saturating_sub(page.entries.len() as u32));
            all.entries.extend(page.entries);
            all.next = page.next;
            if page.next.is_none() || left == Some(0) {
                return Ok(all);
            }
            after = page.next;
        }
    }

    /// The three points of a grant.
    pub async fn three_points(&mut self, grant: GrantId) -> Result<ThreePoints, Failure> {
        self.json.get(&format!("/v1/log/match/{grant}")).await
    }

    /// Checks the hash chain.
    pub async fn verify_log(&mut self) -> Result<LogVerdict, Failure> {
        self.json.get("/v1/log/verify").await
    }

    /// Ends a connection.
    pub async fn close(&mut self, what: &Closing) -> Result<CloseReport, Failure> {
        let grant = match what {
            Closing::Grant(grant) => *grant,
            Closing::Service(service) => {
                let status = self.status().await?;
                let mut fitting = status.connections.iter().filter(|c| &c.service == service);
                match (fitting.next(), fitting.next()) {
                    (Some(one), None) => one.grant,
                    _ => return Err(Failure::NothingFits(what.to_string())),
                }
            }
        };
        self.json.post(&format!("/v1/connections/{grant}/close"), &serde_json::json!({})).await
    }
}
