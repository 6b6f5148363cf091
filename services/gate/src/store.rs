//! The last verified state on disk: written aside, synced, renamed; verified again when read (X4).

use prost::Message as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use files::Fault;
use model::SiteState;
use texts::Words;
use verify::VerifiedState;
use wire::Wire as _;

use crate::fault;

/// Why a kept state is not used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk's fault.
    #[error(transparent)]
    Io(Fault),
    /// The file is damaged or of another make.
    #[error("{}", self.words())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The file was changed by another hand, or the rules for what is sound became stricter.
    #[error("{}", self.words())]
    Unsound {
        /// The file.
        path: PathBuf,
        /// The counter-example.
        refutation: Box<verify::Refutation>,
    },
}

impl StoreError {
    /// The words of it.
    pub fn words(&self) -> Words {
        match self {
            Self::Io(fault) => fault.words().clone(),
            Self::Damaged { path, what } => Fault::of(path, fault::Fault::Damaged { said: what.clone() }).into(),
            Self::Unsound { path, refutation } => {
                Fault::of(path, fault::Fault::Unsound { why: fault::of_proof(refutation) }).into()
            }
        }
    }
}

/// A folder with the state in it.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens the folder, making it if need be.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|error| StoreError::Io(Fault::io(folder, &error)))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The kept state, verified again; nothing if none was kept.
    ///
    /// # Errors
    /// [`StoreError`] if there is one that must not be used.
    pub fn load(&self) -> Result<Option<VerifiedState>, StoreError> {
        let path = self.path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::Io(Fault::io(&path, &error))),
        };
        let damaged = |what: String| StoreError::Damaged { path: path.clone(), what };
        let message = wire::link::SiteState::decode(bytes.as_slice()).map_err(|e| damaged(e.to_string()))?;
        let state = SiteState::from_message(message).map_err(|e| damaged(e.to_string()))?;
        verify::check_state(state)
            .map(Some)
            .map_err(|refutation| StoreError::Unsound { path: path.clone(), refutation })
    }

    /// Keeps a state: after this returns, a power cut leaves it or its predecessor, never a mixture.
    ///
    /// # Errors
    /// If the disk will not take it; what was kept before is still there.
    pub fn save(&self, state: &SiteState) -> io::Result<()> {
        let bytes = state.to_message().encode_to_vec();
        let aside = self.folder.join("state.new");
        let mut file = File::create(&aside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&aside, self.path())?;
        File::open(&self.folder)?.sync_all()
    }

    fn path(&self) -> PathBuf {
        self.folder.join("state")
    }
}
