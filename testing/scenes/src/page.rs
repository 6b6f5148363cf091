//! The threat tables as a page of the handbook.

use crate::{Scene, SceneError, Threat, Tried, common, trying};

/// Markdown, both languages, without a head.
///
/// # Errors
/// [`SceneError`] if a scenario is wrong.
pub fn page() -> Result<String, SceneError> {
    let mut out = String::from("\n## Common to all · 共通\n");
    out.push_str(&table(&common()));
    for scene in Scene::all()? {
        out.push_str(&format!(
            "\n## ({}) {} · {}\n\n{} {}\n\n{}\n",
            scene.letter.as_str(),
            scene.name.en,
            scene.name.ja,
            scene.summary.en,
            scene.summary.ja,
            scene.requirements.join(" ")
        ));
        out.push_str(&table(&scene.threats));
    }
    Ok(out)
}

fn table(threats: &[Threat]) -> String {
    let mut out = String::from("\n| | threat · 脅威 | control · 対策 | tried by · 試験 |\n| --- | --- | --- | --- |\n");
    let cell = |name: &model::LocalizedName| format!("{}<br>{}", name.en, name.ja).replace('|', "\\|");
    for threat in threats {
        let tests: Vec<String> = threat
            .tests
            .iter()
            .map(|name| match trying(name) {
                Tried::Check(key) => format!("`{key}`"),
                Tried::Test { file, function } => format!("[`{function}`](../../{file})"),
            })
            .collect();
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            threat.id,
            cell(&threat.threat),
            cell(&threat.control),
            tests.join("<br>")
        ));
    }
    out
}
