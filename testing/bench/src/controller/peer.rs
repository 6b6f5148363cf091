//! The peer: `ovs-testcontroller`, Open vSwitch's learning controller, with TLS and OpenFlow 1.3.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use authority::{Authority, CaKind};

use super::gates::tail;
use super::namespace::Namespace;
use crate::BenchError;

/// The name in the peer's certificate; the same kind of certificate as a gate's.
pub(super) const SITE: &str = "peer";

/// A running peer.
pub(super) struct Controller {
    pub namespace: Namespace,
    child: Child,
    log: PathBuf,
}

impl Controller {
    pub(super) fn start(authority: &mut Authority, dir: &Path) -> Result<Self, BenchError> {
        let issued = authority.issue_gate(SITE)?;
        let namespace = Namespace::add("sk-bench-peer")?;
        let log = dir.join("peer.log");
        let open = fs::File::create(&log).map_err(BenchError::file(&log))?;
        let also = open.try_clone().map_err(BenchError::file(&log))?;
        let mut command = namespace.command(Path::new("ovs-testcontroller"));
        command.args(["-O", "OpenFlow13", "pssl:6653:127.0.0.1", "-vconsole:err"]);
        command.arg(format!("--unixctl={}", dir.join("peer.ctl").display()));
        command.arg("--private-key").arg(issued.folder.join("key.pem"));
        command.arg("--certificate").arg(issued.folder.join("cert.pem"));
        command.arg("--ca-cert").arg(authority.ca_pem_path(CaKind::Switch));
        let child = command
            .env("OVS_RUNDIR", dir)
            .stdin(Stdio::null())
            .stdout(open)
            .stderr(also)
            .spawn()
            .map_err(BenchError::file("ovs-testcontroller (openvswitch-testcontroller)"))?;
        Ok(Self { namespace, child, log })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn log_tail(&self) -> String {
        tail(&self.log)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
