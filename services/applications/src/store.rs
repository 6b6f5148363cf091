//! The store: a register, and the packages it names.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use equipment::{Action, Name, Package, SignedPermit, verify_permit};
use model::Timestamp;
use rustix::fs::{FlockOperation, flock};

use crate::register::Register;
use crate::{Device, Installed, Refused, Step};

/// The applications of a device, locked: one process at a time.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    register: Register,
    _lock: File,
}

/// A change that is permitted, and not done yet.
#[derive(Debug)]
pub struct Change<'a> {
    store: &'a mut Store,
    register: Register,
    steps: Vec<Step>,
}

impl Store {
    /// Opens the store in this folder; makes an empty one if there is none. Waits for another process that has it open.
    ///
    /// # Errors
    /// [`Refused::File`], [`Refused::Register`].
    pub fn open(folder: &Path) -> Result<Self, Refused> {
        let packages = folder.join("packages");
        DirBuilder::new().recursive(true).mode(0o700).create(&packages).map_err(Refused::file(&packages))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let lock = lock.map_err(Refused::file(&path))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| Refused::file(&path)(e.into()))?;
        let register = Register::read(&folder.join("register.json"))?;
        Ok(Self { folder: folder.to_owned(), register, _lock: lock })
    }

    /// What is installed, by name.
    pub fn installed(&self) -> impl Iterator<Item = (&Name, &Installed)> {
        self.register.installed.iter()
    }

    /// What is installed by this name.
    ///
    /// # Errors
    /// [`Refused::NotInstalled`].
    pub fn get(&self, name: &Name) -> Result<&Installed, Refused> {
        self.register.installed.get(name).ok_or_else(|| Refused::NotInstalled(name.to_string()))
    }

    /// Where the octets of a package lie.
    pub fn package(&self, package: &Package) -> PathBuf {
        self.folder.join("packages").join(package.sha256.to_string())
    }

    /// Prepares to take an application, in place of one of the same name: only what the permit names, on this device, now,
    /// and once.
    ///
    /// # Errors
    /// [`Refused`] with every reason; nothing is changed.
    pub fn install(
        &mut self,
        octets: Vec<u8>,
        permit: &SignedPermit,
        device: &Device,
        now: Timestamp,
    ) -> Result<Change<'_>, Refused> {
        let mut refusals = Vec::new();
        match verify_permit(permit, &device.id, &device.anchors, &device.lists, now) {
            Ok(verified) => {
                let (name, found) = (&permit.permit.application, Package::of(&octets));
                refusals.extend(verified.covers(Action::Install, name, &found).err().unwrap_or_default());
            }
            Err(found) => refusals = found,
        }
        if !refusals.is_empty() {
            return Err(refusals.into());
        }
        let mut register = self.register.clone();
        register.use_up(permit)?;
        let name = permit.permit.application.clone();
        let replaced = register.installed.insert(name, Installed { permit: permit.clone(), at: now });
        let path = self.package(&permit.permit.package);
        let packages = self.folder.join("packages");
        let unfinished = packages.join("unfinished");
        let mut steps = vec![
            Step::Write { path: unfinished.clone(), octets },
            Step::Rename { from: unfinished, to: path },
            Step::Sync { folder: packages },
        ];
        steps.extend(self.commit(&register)?);
        steps.extend(replaced.and_then(|old| self.forget(&register, &old)));
        Ok(Change { store: self, register, steps })
    }

    /// Prepares to delete an application: only by a permit to delete this very package from this device, now, and once.
    ///
    /// # Errors
    /// [`Refused`] with every reason; nothing is changed.
    pub fn delete(
        &mut self,
        name: &Name,
        permit: &SignedPermit,
        device: &Device,
        now: Timestamp,
    ) -> Result<Change<'_>, Refused> {
        let verified = verify_permit(permit, &device.id, &device.anchors, &device.lists, now)?;
        let installed = self.get(name)?.clone();
        verified.covers(Action::Delete, name, installed.package())?;
        let mut register = self.register.clone();
        register.use_up(permit)?;
        register.installed.remove(name);
        let mut steps = self.commit(&register)?;
        steps.extend(self.forget(&register, &installed));
        Ok(Change { store: self, register, steps })
    }

    fn commit(&self, register: &Register) -> Result<Vec<Step>, Refused> {
        let (path, unfinished) = (self.folder.join("register.json"), self.folder.join("register.unfinished"));
        let octets = serde_json::to_vec_pretty(register)
            .map_err(|error| Refused::Register { path: path.clone(), said: error.to_string() })?;
        Ok(vec![
            Step::Write { path: unfinished.clone(), octets },
            Step::Rename { from: unfinished, to: path },
            Step::Sync { folder: self.folder.clone() },
        ])
    }

    /// A package that no application is any more.
    fn forget(&self, register: &Register, old: &Installed) -> Option<Step> {
        let still = register.installed.values().any(|installed| installed.package() == old.package());
        (!still).then(|| Step::Remove { path: self.package(old.package()) })
    }

    /// Takes away what changes that were cut off left behind. What the register names stays.
    ///
    /// # Errors
    /// [`Refused::File`].
    pub fn tidy(&self) -> Result<(), Refused> {
        let packages = self.folder.join("packages");
        let named: Vec<PathBuf> = self.register.installed.values().map(|i| self.package(i.package())).collect();
        for entry in fs::read_dir(&packages).map_err(Refused::file(&packages))? {
            let path = entry.map_err(Refused::file(&packages))?.path();
            if !named.contains(&path) {
                Step::Remove { path }.run()?;
            }
        }
        Step::Remove { path: self.folder.join("register.unfinished") }.run()
    }
}

impl Change<'_> {
    /// What is to be done, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Does it.
    ///
    /// # Errors
    /// [`Refused::File`]; before the register is renamed nothing is changed by it.
    pub fn carry_out(self) -> Result<(), Refused> {
        for step in &self.steps {
            step.run()?;
        }
        self.store.register = self.register;
        Ok(())
    }
}
