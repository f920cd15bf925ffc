//! A disk that is soon full.

use std::fs::{File, create_dir, remove_file};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::ground;
use crate::keeper::Keeper;

/// What takes the room away.
const BALLAST: &str = "ballast";

/// The steps in which it is taken; tmpfs gives room by the page.
const PAGE: [u8; 4096] = [0; 4096];

/// A small file system in memory, unmounted with this value or with this process. Takes root.
#[derive(Debug)]
pub struct SmallDisk {
    root: PathBuf,
    _keeper: Keeper,
}

impl SmallDisk {
    /// Mounts one of that size.
    pub fn mount(bytes: u64) -> Result<Self> {
        let root = ground::run_directory("disk")?;
        let keeper = Keeper::of_mount(&root)?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes},mode=0755")])
            .arg("ds-small-disk")
            .arg(&root)
            .output()
            .context("cannot run mount")?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            bail!("cannot mount a tmpfs, which takes root: {}", reason.trim());
        }
        Ok(Self {
            root,
            _keeper: keeper,
        })
    }

    /// A new directory on it.
    pub fn directory(&self, name: &str) -> Result<PathBuf> {
        let directory = self.root.join(name);
        create_dir(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(directory)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Takes all room that is left: whoever writes more gets ENOSPC.
    pub fn fill(&self) -> Result<()> {
        let mut ballast = File::options()
            .create(true)
            .append(true)
            .open(self.ballast())
            .context("cannot open the ballast")?;
        loop {
            match ballast.write(&PAGE) {
                Ok(0) => return Err(anyhow!("the disk takes no bytes and gives no error")),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).context("cannot write the ballast"),
            }
        }
    }

    /// Gives the room back.
    pub fn relieve(&self) -> Result<()> {
        match remove_file(self.ballast()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).context("cannot remove the ballast")
            }
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.root.join(BALLAST)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{read_to_string, write};

    use super::*;

    /// Whoever may not mount gets a reason; tests do not depend on being root.
    fn disk() -> Option<SmallDisk> {
        match SmallDisk::mount(1 << 20) {
            Ok(disk) => Some(disk),
            Err(error) => {
                assert!(format!("{error:#}").contains("takes root"), "{error:#}");
                None
            }
        }
    }

    #[test]
    fn a_full_disk_takes_nothing_until_it_is_relieved() {
        let Some(disk) = disk() else { return };
        let file = disk.directory("spool").unwrap().join("file");
        write(&file, "before").unwrap();
        disk.fill().unwrap();
        let refused = write(disk.path().join("other"), [1; 4096]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::StorageFull);
        assert_eq!(read_to_string(&file).unwrap(), "before");
        disk.relieve().unwrap();
        write(disk.path().join("other"), [1; 4096]).unwrap();
        disk.relieve().unwrap();
    }

    #[test]
    fn it_is_unmounted_and_gone_when_it_is_dropped() {
        let Some(disk) = disk() else { return };
        let path = disk.path().to_path_buf();
        let mounted = |path: &Path| {
            let mounts = read_to_string("/proc/self/mounts").unwrap();
            mounts.contains(path.to_str().unwrap())
        };
        assert!(mounted(&path));
        let busy = File::create(path.join("busy")).unwrap();
        drop(disk);
        assert!(!mounted(&path));
        assert!(!path.exists());
        drop(busy);
    }
}
