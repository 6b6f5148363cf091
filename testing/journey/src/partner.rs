//! A second institution, whose manager joined before: by the use cases that the pages call, without walking every letter
//! again. It is in the directory, and in the network only once an operator has brought it.

use joining::{Institution, InstitutionId, Prefecture};
use reception::{Hashing, Joining, Operator, RealWorld};
use registry::Registry;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use story::StageError;

use crate::house::said;

/// Its number in the directory of this house.
pub const NUMBER: i64 = 7;
/// Its manager's password.
pub const PASSWORD: &str = "Aoba#Tsukimi4";
/// What brings it into the network.
pub const DOCUMENT: &str = include_str!("../documents/aoba.toml");

/// Makes institution and manager in the registry of a center that has not begun; the manager's user ID.
pub(crate) async fn joined(data: &Path) -> Result<String, StageError> {
    fs::create_dir_all(data).map_err(said)?;
    let url = format!("sqlite://{}", data.join("registry.db").display());
    let registry = Registry::open(&url).await.map_err(said)?;
    let mut settings = reception::Settings::new("https://join.example", "https://inside.example", "test");
    // Nobody guesses here.
    settings.hashing = Some(Hashing { memory_kib: 8, passes: 1 });
    let joining = Joining::new(registry.clone(), settings, Arc::new(RealWorld));
    let institution = Institution {
        id: InstitutionId(NUMBER),
        code: "1310000007".into(),
        prefecture: Prefecture::new(13).ok_or_else(|| said("no such prefecture"))?,
        name: "青葉診療所".into(),
        kana: "アオバシンリョウジョ".into(),
        address: "中央区本町7-1".into(),
    };
    let refused = |no: reception::Refused| said(no.code());
    joining.put_institutions(&Operator::new("prepared"), vec![institution]).await.map_err(refused)?;
    let who = members::manager(&joining, "manager@aoba.example", InstitutionId(NUMBER), PASSWORD).await;
    let user = who.user().to_string();
    registry.close().await.map_err(said)?;
    Ok(user)
}
