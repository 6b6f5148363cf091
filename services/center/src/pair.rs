//! The link of one of a site's two gates: it keeps the state like the other, and becomes the site's gate when it holds
//! the lease (N6). For the use cases a takeover is the site's gate coming back.

use connections::{Center, Joined};
use model::{Generation, SiteId};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Notify;
use tonic::Streaming;
use wire::link::{CenterMessage, GateMessage, Hello, Lease, RefusalCode, center_message, gate_message::Message};

use crate::hub::{Hub, Outgoing};
use crate::lease::{LEASE, Word};

/// One gate of two, linked.
pub(crate) struct OneOfTwo {
    pub site: SiteId,
    pub link: u64,
    pub certificate: Vec<Vec<u8>>,
    pub hello: Hello,
    pub queue: Outgoing,
}

impl OneOfTwo {
    /// Serves the link until it ends.
    pub async fn serve(self, center: &Center, hub: &Hub, incoming: &mut Streaming<GateMessage>) {
        hub.stand_by(&self.site, self.link, self.queue.clone());
        connections::standby_needs(center, &self.site, self.hello.generation.map(Generation)).await;
        let mut cut: Option<Arc<Notify>> = None;
        let why = loop {
            let ended = async {
                match &cut {
                    Some(cut) => cut.notified().await,
                    None => std::future::pending().await,
                }
            };
            let message = tokio::select! {
                message = incoming.message() => message,
                () = ended => break "cut by the center".to_owned(),
            };
            match message {
                Ok(Some(GateMessage { message: Some(Message::LeaseRequest(ask)) })) => {
                    let now = center.now().0;
                    let word =
                        hub.lease(|leases| leases.ask(&self.site, &self.hello.gate, ask.holds, Instant::now(), now));
                    if self.queue.send(Ok(told(ask.number, word))).await.is_err() {
                        break "the gate ended it".to_owned();
                    }
                    match (word.active, cut.is_some()) {
                        (true, false) => match self.join(center, hub, ask.generation).await {
                            Ok(notify) => cut = Some(notify),
                            Err(why) => break why,
                        },
                        (false, true) => break "the other gate took over".to_owned(),
                        (true, true) | (false, false) => {}
                    }
                }
                Ok(Some(GateMessage { message: Some(Message::LeaseRelease(back)) })) => {
                    let gate = &self.hello.gate;
                    let word = hub.lease(|leases| leases.release(&self.site, gate, back.election, Instant::now()));
                    if self.queue.send(Ok(told(0, word))).await.is_err() {
                        break "the gate ended it".to_owned();
                    }
                    if cut.is_some() {
                        break "the gate gave its lease back".to_owned();
                    }
                }
                Ok(Some(GateMessage { message: Some(Message::Refused(m)) })) if cut.is_none() => {
                    if m.code == i32::from(RefusalCode::OutOfStep) {
                        connections::standby_needs(center, &self.site, Some(Generation(m.at))).await;
                    }
                }
                Ok(Some(GateMessage { message: Some(message) })) => {
                    // What a gate in waiting says of the site is not what the site's gate says.
                    if cut.is_some() {
                        connections::gate_report(center, &self.site, message).await;
                    }
                }
                Ok(Some(GateMessage { message: None })) => {}
                Ok(None) => break "the gate ended it".to_owned(),
                Err(status) => break status.message().to_owned(),
            }
        };
        hub.stand_down(&self.site, self.link);
        if cut.is_some() {
            hub.leave(&self.site, self.link);
            connections::gate_left(center, &self.site, self.link, &why).await;
        }
    }

    async fn join(&self, center: &Center, hub: &Hub, generation: Option<u64>) -> Result<Arc<Notify>, String> {
        tracing::info!(site = %self.site, gate = self.hello.gate, "active gate");
        hub.stand_down(&self.site, self.link);
        let cut = hub.enter(&self.site, self.link, self.queue.clone());
        let joined = Joined {
            link: self.link,
            site: self.site.clone(),
            certificate: self.certificate.clone(),
            software: format!("{} ({})", self.hello.software, self.hello.gate),
            generation: generation.map(Generation),
        };
        match connections::gate_joined(center, joined).await {
            Ok(()) => Ok(cut),
            Err(refused) => {
                hub.leave(&self.site, self.link);
                Err(refused.to_string())
            }
        }
    }
}

fn told(number: u64, word: Word) -> CenterMessage {
    let lease = Lease {
        number,
        active: word.active,
        election: word.election,
        milliseconds: u32::try_from(LEASE.as_millis()).unwrap_or(u32::MAX),
    };
    CenterMessage { message: Some(center_message::Message::Lease(lease)) }
}
