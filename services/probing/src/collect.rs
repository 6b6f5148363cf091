//! What this Linux machine is and has. Reads files only, so that a folder can stand for a machine in tests; what cannot
//! be read is said to be unknown, never absent.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use preflight::{Facts, Families, Item, ItemKind, Line, LineKind, Medium, Os, Platform};

/// Today in UTC, `YYYY-MM-DD`.
pub fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut text = model::Timestamp(i64::try_from(since.as_millis()).unwrap_or_default()).to_string();
    text.truncate(10);
    text
}

/// Everything but what passes. `root` is `/`; `place` is where the software is to go.
pub fn collect(root: &Path, place: &Path, families: &Families, told: Option<LineKind>) -> Facts {
    let (mut collected, mut items) = (BTreeSet::new(), Vec::new());
    let mut take = |kind, found: Option<Vec<Item>>| {
        if let Some(found) = found {
            collected.insert(kind);
            items.extend(found);
        }
    };
    take(ItemKind::Package, packages(root));
    take(ItemKind::Process, processes(root));
    take(ItemKind::Module, modules(root));
    take(ItemKind::Interface, names(&root.join("sys/class/net")).map(|all| of(ItemKind::Interface, all)));
    let there = |path: &&str| root.join(path.trim_start_matches('/')).exists();
    let files = families.files(Platform::Linux).into_iter().filter(there).map(str::to_owned);
    take(ItemKind::File, Some(of(ItemKind::File, files)));
    items.sort();
    items.dedup();
    Facts {
        today: today(),
        os: system(root),
        free_mb: free(place),
        line: Line { told, seen: medium(root) },
        collected,
        items,
        probes: None,
    }
}

fn of(kind: ItemKind, names: impl IntoIterator<Item = String>) -> Vec<Item> {
    names.into_iter().map(|name| Item { kind, name, version: None }).collect()
}

fn names(dir: &Path) -> Option<Vec<String>> {
    let entries = fs::read_dir(dir).ok()?;
    Some(entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
}

/// os-release(5).
fn system(root: &Path) -> Os {
    let read = |path| fs::read_to_string(root.join(path));
    let text = read("etc/os-release").or_else(|_| read("usr/lib/os-release")).unwrap_or_default();
    let value = |name: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('='));
        line.map(|v| v.trim_matches(['"', '\'']).to_owned())
    };
    Os {
        platform: Platform::Linux,
        id: value("ID").unwrap_or_else(|| "linux".to_owned()),
        version: value("VERSION_ID").unwrap_or_default(),
        edition: None,
        name: value("PRETTY_NAME").unwrap_or_else(|| "Linux".to_owned()),
    }
}

fn free(place: &Path) -> Option<u64> {
    // Where it is to go may not be there yet: then its nearest folder that is.
    let place = place.ancestors().find(|p| p.exists())?;
    let stat = rustix::fs::statvfs(place).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize) / 1_000_000)
}

/// Installed packages: dpkg's own list, or rpm's by its program, for its file is a database.
fn packages(root: &Path) -> Option<Vec<Item>> {
    if let Ok(status) = fs::read_to_string(root.join("var/lib/dpkg/status")) {
        return Some(status.split("\n\n").filter_map(package).collect());
    }
    if root != Path::new("/") || !Path::new("/usr/bin/rpm").exists() {
        return None;
    }
    let listed = std::process::Command::new("/usr/bin/rpm").args(["-qa", "--qf", "%{NAME}\t%{VERSION}\n"]).output();
    let listed = listed.ok().filter(|out| out.status.success())?;
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let one = |line: &str| {
        let (name, version) = line.split_once('\t')?;
        Some(Item { kind: ItemKind::Package, name: name.to_owned(), version: Some(version.to_owned()) })
    };
    Some(text.lines().filter_map(one).collect())
}

/// A stanza of dpkg's status file, if the package is installed: what was removed may keep its stanza.
fn package(stanza: &str) -> Option<Item> {
    let value = |name: &str| stanza.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
    let installed = value("Status")?.split(' ').nth(2) == Some("installed");
    let name = value("Package")?.to_owned();
    installed.then(|| Item { kind: ItemKind::Package, name, version: value("Version").map(str::to_owned) })
}

/// Programs that run, by their names and, where that is cut off at 15 letters (proc(5)), by their files'.
fn processes(root: &Path) -> Option<Vec<Item>> {
    let proc = root.join("proc");
    let numbers = names(&proc)?.into_iter().filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let mut found = BTreeSet::new();
    for number in numbers {
        let dir = proc.join(number);
        // It may have ended meanwhile.
        let Ok(name) = fs::read_to_string(dir.join("comm")) else { continue };
        found.insert(name.trim_end().to_owned());
        let first = fs::read(dir.join("cmdline")).unwrap_or_default();
        let program = first.split(|b| *b == 0).next().map(String::from_utf8_lossy).unwrap_or_default();
        found.extend(program.rsplit('/').next().filter(|p| !p.is_empty()).map(str::to_owned));
    }
    // A machine on which nothing runs is one whose /proc cannot be read.
    (!found.is_empty()).then(|| of(ItemKind::Process, found))
}

fn modules(root: &Path) -> Option<Vec<Item>> {
    let proc = root.join("proc");
    let text = match fs::read_to_string(proc.join("modules")) {
        Ok(text) => text,
        // A kernel that cannot load any does not list them either.
        Err(_) if proc.join("version").exists() && !proc.join("modules").exists() => String::new(),
        Err(_) => return None,
    };
    Some(of(ItemKind::Module, text.lines().filter_map(|l| l.split(' ').next()).map(str::to_owned)))
}

/// What the interface of the default route is.
fn medium(root: &Path) -> Option<Medium> {
    let routes = fs::read_to_string(root.join("proc/net/route")).ok()?;
    let default = routes.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [name, destination, _, _, _, _, metric, mask, ..] = columns[..] else { return None };
        let metric: u32 = metric.parse().ok()?;
        (destination == "00000000" && mask == "00000000").then(|| (metric, name.to_owned()))
    });
    let (_, name) = default.min()?;
    let dir = root.join("sys/class/net").join(name);
    let uevent = fs::read_to_string(dir.join("uevent")).unwrap_or_default();
    let kind = uevent.lines().find_map(|l| l.strip_prefix("DEVTYPE="));
    // ARPHRD_PPP and ARPHRD_ETHER of if_arp.h.
    let hardware = fs::read_to_string(dir.join("type")).unwrap_or_default();
    match (kind, hardware.trim()) {
        (Some("wwan"), _) => Some(Medium::Mobile),
        (Some("wlan"), _) => Some(Medium::Wifi),
        _ if dir.join("wireless").exists() || dir.join("phy80211").exists() => Some(Medium::Wifi),
        (_, "512") => Some(Medium::Dialled),
        (_, "1") => Some(Medium::Cable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn put(root: &TempDir, path: &str, text: &str) {
        let file = root.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn machine() -> TempDir {
        let root = TempDir::new().unwrap();
        put(&root, "etc/os-release", "PRETTY_NAME=\"Ubuntu 22.04.4 LTS\"\nID=ubuntu\nVERSION_ID=\"22.04\"\n");
        put(
            &root,
            "var/lib/dpkg/status",
            "Package: openvpn\nStatus: install ok installed\nVersion: 2.6.3-1\n\n\
             Package: pulsesecure\nStatus: deinstall ok config-files\nVersion: 9.1\n\n\
             Package: bash\nVersion: 5.2\nStatus: install ok installed\n",
        );
        put(&root, "proc/modules", "vboxnetflt 28672 0 - Live 0x0\nnf_tables 1 0 - Live 0x0\n");
        put(&root, "proc/7/comm", "mDNSResponderPo\n");
        put(&root, "proc/7/cmdline", "/usr/sbin/mDNSResponderPosix\0-b\0");
        put(
            &root,
            "proc/net/route",
            "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
             wlan0 00000000 0101A8C0 0003 0 0 600 00000000 0 0 0\n\
             wwan0 00000000 0101A8C0 0003 0 0 700 00000000 0 0 0\n",
        );
        put(&root, "sys/class/net/wlan0/uevent", "DEVTYPE=wlan\nINTERFACE=wlan0\n");
        put(&root, "sys/class/net/wwan0/uevent", "DEVTYPE=wwan\n");
        put(&root, "opt/agns/x", "");
        root
    }

    #[test]
    fn a_machine_is_read_r1() {
        let root = machine();
        let facts = collect(root.path(), root.path(), &Families::shipped(), None);
        assert_eq!((facts.os.id.as_str(), facts.os.version.as_str()), ("ubuntu", "22.04"));
        assert_eq!(facts.line.seen, Some(Medium::Wifi), "the way of the lower metric");
        let has = |kind, name: &str| facts.items.iter().any(|i| i.kind == kind && i.name == name);
        assert!(has(ItemKind::Package, "openvpn") && has(ItemKind::Package, "bash"));
        assert!(!has(ItemKind::Package, "pulsesecure"), "it was removed");
        assert!(has(ItemKind::Process, "mDNSResponderPosix"), "the whole name, not what is left of it");
        assert!(has(ItemKind::Module, "vboxnetflt") && has(ItemKind::Interface, "wlan0"));
        assert!(has(ItemKind::File, "/opt/agns"));
        assert_eq!(facts.collected.len(), 5);
        let report = preflight::judge(&facts, &preflight::Rules::shipped(), &Families::shipped());
        let found: Vec<&str> = report
            .verdicts
            .iter()
            .filter(|v| v.item.starts_with("family") && v.outcome == preflight::Outcome::Fails)
            .map(|v| v.item.as_str())
            .collect();
        assert_eq!(found, ["family-1", "family-3", "family-11", "family-18"]);
        assert!(facts.free_mb.is_some() && facts.today.len() == 10);
    }

    #[test]
    fn what_cannot_be_read_is_unknown_r1() {
        let root = TempDir::new().unwrap();
        let facts = collect(root.path(), Path::new("/nowhere/at/all"), &Families::shipped(), Some(LineKind::Fiber));
        assert_eq!(facts.collected, BTreeSet::from([ItemKind::File]));
        assert_eq!((facts.os.id.as_str(), facts.line.seen), ("linux", None));
        assert!(facts.free_mb.is_some(), "of the nearest folder that is there");
    }

    #[test]
    fn media_are_told_apart_r1() {
        for (dir, file, text, medium) in [
            ("eth0", "type", "1\n", Some(Medium::Cable)),
            ("ppp0", "type", "512\n", Some(Medium::Dialled)),
            ("wwan0", "uevent", "DEVTYPE=wwan\n", Some(Medium::Mobile)),
            ("wl0", "phy80211/name", "phy0\n", Some(Medium::Wifi)),
            ("tun0", "type", "65534\n", None),
        ] {
            let root = TempDir::new().unwrap();
            put(&root, "proc/net/route", &format!("x\n{dir} 00000000 0 3 0 0 0 00000000 0 0 0\n"));
            put(&root, &format!("sys/class/net/{dir}/{file}"), text);
            assert_eq!(super::medium(root.path()), medium, "{dir}");
        }
    }

    #[test]
    fn this_machine_is_read_r1() {
        let facts = collect(Path::new("/"), Path::new("/"), &Families::shipped(), None);
        assert!(facts.collected.contains(&ItemKind::Process));
        assert!(facts.today.as_str() > "2026-01-01" && facts.free_mb.is_some());
    }
}
