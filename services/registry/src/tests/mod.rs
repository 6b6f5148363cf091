//! The same tests on both databases. `both!` makes two of each.

mod commits;
mod durable;
mod faults;
mod issuing;
mod joining;
mod queries;
mod sealed;
mod speed;
mod submissions;
mod world;

use crate::{Registry, RegistryError, Settings};

/// A place for a registry, gone when dropped.
pub(crate) struct Place {
    pub(crate) settings: Settings,
    _kept: Kept,
}

enum Kept {
    Directory { _dir: tempfile::TempDir },
    Server { _server: std::sync::Arc<postgres::Server> },
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = quick(&format!("sqlite://{}/registry.db", dir.path().display()));
        Self { settings, _kept: Kept::Directory { _dir: dir } }
    }
    pub(crate) async fn postgres() -> Self {
        let server = postgres::Server::shared();
        let settings = quick(&server.new_database().await);
        Self { settings, _kept: Kept::Server { _server: server } }
    }
    pub(crate) async fn open(&self) -> Registry {
        self.try_open().await.unwrap()
    }
    pub(crate) async fn try_open(&self) -> Result<Registry, RegistryError> {
        Registry::open_with(self.settings.clone()).await
    }
    /// A connection beside the registry, as an intruder or another program has one.
    pub(crate) async fn raw(&self) -> sqlx::AnyConnection {
        use sqlx::Connection;
        sqlx::any::install_default_drivers();
        sqlx::AnyConnection::connect(&self.settings.url).await.unwrap()
    }
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.settings.url.strip_prefix("sqlite://").unwrap().into()
    }
}

fn quick(url: &str) -> Settings {
    Settings { busy_ms: 100, ..Settings::new(url) }
}

macro_rules! both {
    ($($name:ident)*) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() { super::$name(crate::tests::Place::sqlite()).await }
            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() { super::$name(crate::tests::Place::postgres().await).await }
        }
    )*};
}
pub(crate) use both;
