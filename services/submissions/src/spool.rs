//! The files: `incoming/`, `accepted/`, `quarantine/`, each file named by its submission's number.
//!
//! `incoming/<id>.floor`, while it is there, holds the offset up to which the bytes are verified; what lies behind it
//! came with a checksum that has not been compared yet, and is cut off by whoever opens the file next.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) struct Spool {
    incoming: PathBuf,
    accepted: PathBuf,
    quarantine: PathBuf,
}

/// A file opened for its next part; locked against other processes while it is open.
pub(crate) struct Upload {
    pub(crate) file: tokio::fs::File,
    /// Verified bytes in it.
    pub(crate) have: u64,
    path: PathBuf,
}

/// 32 lower-case hexadecimal digits: never a path.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl Spool {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let spool = Self {
            incoming: root.join("incoming"),
            accepted: root.join("accepted"),
            quarantine: root.join("quarantine"),
        };
        for folder in [&spool.incoming, &spool.accepted, &spool.quarantine] {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        Ok(spool)
    }

    /// Bytes the disk has left for us.
    pub(crate) fn free(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.incoming)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// An empty file, on disk with its name.
    pub(crate) async fn create(&self, id: &str) -> io::Result<()> {
        let (path, folder) = (self.incoming.join(id), self.incoming.clone());
        blocking(move || {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.sync_all()?;
            File::open(folder)?.sync_all()
        })
        .await
    }

    /// Opens for writing; cuts off what was never verified. `WouldBlock` if another process writes.
    pub(crate) async fn open_upload(&self, id: &str) -> io::Result<Upload> {
        let path = self.incoming.join(id);
        let opened = path.clone();
        let (file, have) = blocking(move || {
            let mut file = OpenOptions::new().read(true).append(true).open(&opened)?;
            lock(&file)?;
            let have = settle_floor(&opened, &mut file)?;
            Ok((file, have))
        })
        .await?;
        Ok(Upload { file: tokio::fs::File::from_std(file), have, path })
    }

    /// Verified bytes of a file nobody writes to at the moment; `NotFound` if it is not there.
    pub(crate) fn have(&self, id: &str) -> io::Result<u64> {
        let path = self.incoming.join(id);
        let length = fs::metadata(&path)?.len();
        Ok(read_floor(&path)?.map_or(length, |floor| floor.min(length)))
    }

    /// A file that is complete, for reading, wherever it lies by now.
    pub(crate) async fn read(&self, id: &str) -> io::Result<tokio::fs::File> {
        let place = self.place_of(id).ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
        tokio::fs::File::open(place).await
    }

    pub(crate) fn place_of(&self, id: &str) -> Option<PathBuf> {
        [&self.accepted, &self.incoming].into_iter().map(|folder| folder.join(id)).find(|path| path.exists())
    }

    pub(crate) async fn accept(&self, id: &str) {
        self.go(id, &self.accepted).await;
    }

    pub(crate) async fn quarantine(&self, id: &str) {
        self.go(id, &self.quarantine).await;
    }

    pub(crate) async fn remove(&self, id: &str) {
        let path = self.incoming.join(id);
        let done = blocking(move || {
            absent(fs::remove_file(floor_of(&path)))?;
            absent(fs::remove_file(&path))
        });
        if let Err(error) = done.await {
            tracing::warn!(%error, "a file that is over stays in the spool until the next round");
        }
    }

    /// Numbers of all files in `incoming/`.
    pub(crate) async fn incoming(&self) -> io::Result<Vec<String>> {
        let folder = self.incoming.clone();
        blocking(move || {
            let mut ids = Vec::new();
            for entry in fs::read_dir(folder)? {
                let name = entry?.file_name();
                ids.extend(name.to_str().filter(|n| is_id(n)).map(str::to_owned));
            }
            ids.sort();
            Ok(ids)
        })
        .await
    }

    /// Has nothing touched this file for an hour by the clock of the disk?
    pub(crate) fn is_old(&self, id: &str) -> bool {
        let age = fs::metadata(self.incoming.join(id)).and_then(|m| m.modified()).map(|at| at.elapsed());
        matches!(age, Ok(Ok(age)) if age.as_secs() > 3600)
    }

    /// Moves; repeated after a crash it finds nothing to do. A failure is mended by the next round.
    async fn go(&self, id: &str, to: &Path) {
        let (path, to, folder) = (self.incoming.join(id), to.join(id), to.to_path_buf());
        let done = blocking(move || {
            absent(fs::remove_file(floor_of(&path)))?;
            absent(fs::rename(&path, to))?;
            File::open(folder)?.sync_all()
        });
        if let Err(error) = done.await {
            tracing::warn!(%error, "a file stays in the folder of arrivals until the next round");
        }
    }
}

impl Upload {
    /// From here on bytes are not verified until [`Upload::verified`].
    pub(crate) async fn set_floor(&self) -> io::Result<()> {
        let (path, have) = (self.path.clone(), self.have);
        blocking(move || {
            let (new, floor) = (path.with_extension("floor.new"), floor_of(&path));
            let mut file = File::create(&new)?;
            file.write_all(have.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(new, floor)?;
            sync_folder(&path)
        })
        .await
    }

    /// What was written since [`Upload::set_floor`] is good.
    pub(crate) async fn verified(&self) -> io::Result<()> {
        let path = self.path.clone();
        blocking(move || {
            absent(fs::remove_file(floor_of(&path)))?;
            sync_folder(&path)
        })
        .await
    }

    /// Cuts back to where this part began.
    pub(crate) async fn give_up(&self) -> io::Result<()> {
        self.file.set_len(self.have).await?;
        self.file.sync_data().await?;
        self.verified().await
    }

    pub(crate) async fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata().await?.len())
    }
}

/// Takes the lock, waiting a little: a process this one starts holds every lock of ours from its fork to its exec.
fn lock(file: &File) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if tries < 200 => tries += 1,
            Err(TryLockError::WouldBlock) => return Err(ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn floor_of(path: &Path) -> PathBuf {
    path.with_extension("floor")
}

fn read_floor(path: &Path) -> io::Result<Option<u64>> {
    match fs::read_to_string(floor_of(path)) {
        Ok(text) => text.parse().map(Some).map_err(|_| io::Error::from(ErrorKind::InvalidData)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn settle_floor(path: &Path, file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let Some(floor) = read_floor(path)? else { return Ok(length) };
    let have = floor.min(length);
    file.set_len(have)?;
    file.sync_data()?;
    fs::remove_file(floor_of(path))?;
    sync_folder(path)?;
    Ok(have)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn absent(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(io::Error::other(e)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[tokio::test]
    async fn bytes_behind_the_floor_are_cut_off_and_before_it_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        spool.create(ID).await.unwrap();
        let mut upload = spool.open_upload(ID).await.unwrap();
        upload.file.write_all(b"good").await.unwrap();
        upload.file.flush().await.unwrap();
        drop(upload);
        let mut upload = spool.open_upload(ID).await.unwrap();
        assert_eq!(upload.have, 4);
        upload.set_floor().await.unwrap();
        upload.file.write_all(b"doubtful").await.unwrap();
        upload.file.flush().await.unwrap();
        assert_eq!(spool.have(ID).unwrap(), 4, "a reader does not count them");
        drop(upload);
        let upload = spool.open_upload(ID).await.unwrap();
        assert_eq!((upload.have, upload.length().await.unwrap()), (4, 4));
        assert_eq!(spool.open_upload(ID).await.err().unwrap().kind(), ErrorKind::WouldBlock);
    }

    #[tokio::test]
    async fn moves_may_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        spool.create(ID).await.unwrap();
        spool.accept(ID).await;
        spool.accept(ID).await;
        assert!(spool.place_of(ID).unwrap().starts_with(folder.path().join("accepted")));
        spool.remove(ID).await;
        assert!(spool.incoming().await.unwrap().is_empty() && spool.place_of(ID).is_some());
        for wrong in ["", "..", "../etc/passwd", &ID[1..], "0123456789ABCDEF0123456789abcdef"] {
            assert!(!is_id(wrong));
        }
    }
}
