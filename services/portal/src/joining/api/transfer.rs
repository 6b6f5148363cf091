//! What is applied, taken out and taken in by programs of operators (N10): the use cases of `/review/configuration`.

use registration::Brought;

use super::asked::Asked;
use super::shapes::{Exported, FileGiven, Nothing, TransferDone, TriedGiven};
use super::sites::here;
use super::{Plain, Problem};

pub(super) async fn export(asked: Asked<Nothing>) -> Result<Exported, Problem> {
    let (who, room) = here(&asked)?;
    let text = room.export(who).await?;
    serde_json::from_str(&text).map(Exported).map_err(|_| Plain::Broken.into())
}

pub(super) async fn trial(asked: Asked<FileGiven>) -> Result<TransferDone, Problem> {
    let (who, room) = here(&asked)?;
    let file = Brought::new(&asked.given.name, &asked.given.file);
    Ok(TransferDone::of(room.try_import(who, &file).await?, false))
}

pub(super) async fn import(asked: Asked<TriedGiven>) -> Result<TransferDone, Problem> {
    let (who, room) = here(&asked)?;
    let file = Brought::new(&asked.given.name, &asked.given.file);
    Ok(TransferDone::of(room.import(who, &file, &asked.given.tried).await?, true))
}
