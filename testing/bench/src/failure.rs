//! What can keep a bench from measuring.

use std::path::PathBuf;

/// Why nothing was measured. A slow result is none of these.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The lab.
    #[error(transparent)]
    Lab(#[from] lab::LabError),
    /// The test authority.
    #[error(transparent)]
    Authority(#[from] authority::AuthorityError),
    /// The raised product.
    #[error(transparent)]
    Stage(#[from] story::StageError),
    /// The card.
    #[error(transparent)]
    Card(#[from] card::CardError),
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// TLS to a controller.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The network that the bench describes does not fit together: a fault of the bench.
    #[error("the network of the bench: {0}")]
    Network(String),
    /// A process that is measured, or its peer, does not do what it must.
    #[error("{0}")]
    Subject(String),
}

impl BenchError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
