//! The documents that are applied, to be read (N10).

use model::Network;
use std::sync::Arc;

use crate::Center;

/// Everything that is applied now, as one.
pub async fn applied_network(center: &Center) -> Arc<Network> {
    Arc::clone(&center.state().await.network)
}
