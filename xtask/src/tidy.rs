//! The rules of the house, as a check. Each message names the mend.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each room of `core/` may depend on among our own rooms. The table of ARCHITECTURE.md, executable.
const CORE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("openflow", &[]),
    ("spaces", &[]),
    ("texts", &["model"]),
    ("pki", &["model"]),
    ("checksheet", &["model"]),
    ("decision", &["checksheet", "model", "pki", "texts"]),
    ("plan", &["model"]),
    ("verify", &["model", "spaces"]),
    ("site", &["model", "verify", "openflow", "pki"]),
    ("audit", &["model"]),
    ("joining", &["model", "texts", "webauthn"]),
    ("webauthn", &[]),
    ("issuance", &[]),
    ("equipment", &["audit", "model", "pki", "texts"]),
    ("preflight", &[]),
    ("wire", &["model", "texts"]),
];

/// Crates that open sockets, read clocks or run threads: never below `core/`, not even through another crate.
const WORLD: &[&str] = &["tokio", "mio", "axum", "sqlx", "hyper", "tonic", "rsvici", "rustix", "socket2", "cryptoki"];

/// Files over the limit, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[
    (
        "core/verify/tests/mutations.rs",
        "one case a fault, in the order of the invariants: apart, a missing one would not be seen",
    ),
    ("core/audit/src/event.rs", "the catalogue is one list: every event declared once, in the order of its code"),
];
const LONGEST: usize = 600;

/// Words that would tie the sources to one machine or one registry.
const FORBIDDEN: &[&str] = &["index.crates.io", "static.crates.io", "deb.debian.org", "registry.npmjs.org"];

/// Runs every rule and reports every breach.
pub fn check() -> Result<(), String> {
    let root = root()?;
    let mut breaches = Vec::new();
    rooms(&root, &mut breaches)?;
    sources(&root, &mut breaches)?;
    if breaches.is_empty() {
        println!("tidy: the house is in order");
        return Ok(());
    }
    Err(format!("{} rules broken\n  {}", breaches.len(), breaches.join("\n  ")))
}

fn root() -> Result<PathBuf, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_path_buf).ok_or_else(|| "xtask stands outside a workspace".to_owned())
}

struct Package {
    name: String,
    folder: String,
    /// Normal and build dependencies, by package id.
    depends: Vec<String>,
}

fn rooms(root: &Path, breaches: &mut Vec<String>) -> Result<(), String> {
    let packages = metadata(root)?;
    let by_name: BTreeMap<&str, &Package> =
        packages.values().filter(|p| !p.folder.is_empty()).map(|p| (p.name.as_str(), p)).collect();
    for package in by_name.values() {
        let Some(room) = package.folder.strip_prefix("core/") else { continue };
        if room != package.name {
            breaches
                .push(format!("{}: crate is named {}; folder and crate share one name", package.folder, package.name));
        }
        let Some((_, allowed)) = CORE.iter().find(|(name, _)| *name == room) else {
            breaches.push(format!(
                "{}: no row in the room table; add it to ARCHITECTURE.md and xtask/src/tidy.rs",
                package.folder
            ));
            continue;
        };
        for dependency in package.depends.iter().filter_map(|id| packages.get(id)) {
            if !dependency.folder.is_empty() && !allowed.contains(&dependency.name.as_str()) {
                breaches.push(format!(
                    "core/{room} depends on {}; it may only know {allowed:?}: pass a value in instead",
                    dependency.name
                ));
            }
        }
        for id in reach(&packages, package) {
            if let Some(found) = packages.get(&id).filter(|p| WORLD.contains(&p.name.as_str())) {
                breaches.push(format!("core/{room} reaches {}: move what needs it to services/", found.name));
            }
        }
    }
    for package in by_name.values().filter(|p| p.folder.starts_with("services/")) {
        for dependency in package.depends.iter().filter_map(|id| packages.get(id)) {
            if dependency.folder.starts_with("testing/") {
                breaches
                    .push(format!("{} depends on {}: a test fixture in a product", package.folder, dependency.folder));
            }
        }
    }
    Ok(())
}

fn reach(packages: &BTreeMap<String, Package>, from: &Package) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&String> = from.depends.iter().collect();
    while let Some(id) = next.pop() {
        if seen.insert(id.clone())
            && let Some(package) = packages.get(id)
        {
            next.extend(&package.depends);
        }
    }
    seen
}

fn metadata(root: &Path) -> Result<BTreeMap<String, Package>, String> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo metadata does not start: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
    let mut packages = BTreeMap::new();
    let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    for package in json["packages"].as_array().into_iter().flatten() {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let ours = package["source"].is_null();
        let folder = manifest.parent().and_then(|d| d.strip_prefix(root).ok()).filter(|_| ours);
        packages.insert(
            text(&package["id"]),
            Package {
                name: text(&package["name"]),
                folder: folder.map(|f| f.display().to_string()).unwrap_or_default(),
                depends: Vec::new(),
            },
        );
    }
    for node in json["resolve"]["nodes"].as_array().into_iter().flatten() {
        let Some(package) = packages.get_mut(&text(&node["id"])) else { continue };
        for dependency in node["deps"].as_array().into_iter().flatten() {
            // A build script runs on the builder's machine and a dev-dependency in tests: neither is in the product.
            let normal = dependency["dep_kinds"].as_array().into_iter().flatten().any(|k| k["kind"].is_null());
            if normal {
                package.depends.push(text(&dependency["pkg"]));
            }
        }
    }
    Ok(packages)
}

fn sources(root: &Path, breaches: &mut Vec<String>) -> Result<(), String> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("git does not start: {e}"))?;
    for name in String::from_utf8_lossy(&output.stdout).split('\0').filter(|n| !n.is_empty()) {
        let Ok(text) = fs::read_to_string(root.join(name)) else { continue };
        if name.ends_with(".rs") {
            let lines = text.lines().count();
            if lines > LONGEST && !LONG_FILES.iter().any(|(file, _)| *file == name) {
                breaches.push(format!(
                    "{name} has {lines} lines: split it by noun, or give its reason in xtask/src/tidy.rs"
                ));
            }
            if name.starts_with("core/") && name.contains("/src/") {
                for word in ["std::net::TcpStream", "std::thread", "std::fs::", "SystemTime::now", "Instant::now"] {
                    if text.split("#[cfg(test)]").next().is_some_and(|product| product.contains(word)) {
                        breaches.push(format!("{name} uses {word}: core is pure, take the value as an argument"));
                    }
                }
            }
        }
        if name != "Cargo.lock" && name != "xtask/src/tidy.rs" {
            for word in FORBIDDEN.iter().filter(|w| text.contains(**w)) {
                breaches.push(format!("{name} names {word}: leave hosts of package registries out"));
            }
        }
    }
    Ok(())
}
