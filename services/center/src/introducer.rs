//! Codes that the portal handed out, brought to where certificates are fetched (R10).

use connections::Center;
use est::{Introduced, Introducer, Introduction};
use model::Timestamp;
use reception::{Joining, RealWorld, Settings};
use std::sync::Arc;

/// How long the key that used a code may ask again after a lost answer.
const AGAIN: i64 = 3_600_000;

/// The portal's codes are in the registry, so whoever has that can use them up.
pub(crate) struct Portal {
    center: Center,
    joining: Joining,
}

impl Portal {
    pub(crate) fn new(center: Center) -> Self {
        // Addresses and contact stand in letters, and none is written here.
        let settings = Settings::new("", "", "");
        let joining = Joining::new(center.registry().clone(), settings, Arc::new(RealWorld));
        Self { center, joining }
    }
}

impl Introducer for Portal {
    fn introduce<'a>(&'a self, user: &'a str, code: &'a str) -> Introduction<'a> {
        Box::pin(async move {
            let holder = match self.joining.use_certificate_code(user, code).await {
                Ok(holder) => holder,
                Err(refused) => {
                    tracing::debug!(?refused, "no code of the portal");
                    return None;
                }
            };
            let institution = self.center.registry().institution(holder.account.institution).await;
            let organization = institution.ok().flatten().map(|institution| institution.name).unwrap_or_default();
            Some(Introduced { organization, until: Timestamp(self.center.now().0 + AGAIN) })
        })
    }
}
