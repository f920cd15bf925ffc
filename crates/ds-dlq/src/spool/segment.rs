//! One file of the log.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

const SUFFIX: &str = "log";

/// What a damaged file is called once nothing in it waits any more: it is left to a human.
const DAMAGED_SUFFIX: &str = "log.damaged";

/// A file of the log. Only the newest one grows.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    /// Where the next record goes.
    pub(super) length: u64,
    /// Whether some of it could not be read when the spool was opened.
    pub(super) is_damaged: bool,
}

impl Segment {
    /// A new one that begins with `bytes`. When this returns, file and name survive the loss of power.
    pub(super) fn create(directory: &Path, id: u64, bytes: &[u8]) -> io::Result<Self> {
        let path = directory.join(format!("{id:016}.{SUFFIX}"));
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        let write = || {
            file.write_all_at(bytes, 0)?;
            file.sync_all()?;
            sync_directory(directory)
        };
        if let Err(error) = write() {
            // What remains is found unfinished at the next start; its id is not used again.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Self {
            path,
            file,
            length: length_of(bytes),
            is_damaged: false,
        })
    }

    /// One that is there, and what it holds.
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, Vec<u8>)> {
        let bytes = fs::read(&path)?;
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let segment = Self {
            path,
            file,
            length: length_of(&bytes),
            is_damaged: false,
        };
        Ok((segment, bytes))
    }

    /// Writes behind what is there and says where that is. Nothing of it stays when this fails.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<u64, AppendFailure> {
        let at = self.length;
        match self.file.write_all_at(bytes, at) {
            Ok(()) => {
                self.length += length_of(bytes);
                Ok(at)
            }
            Err(error) => Err(AppendFailure {
                is_clean: self.file.set_len(at).is_ok(),
                error,
            }),
        }
    }

    /// Waits until all that was written survives the loss of power.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Cuts what is behind `length`.
    pub(super) fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.length = length;
        self.file.sync_data()
    }

    /// Reads so many bytes.
    pub(super) fn read(&self, at: u64, length: u32) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// Removes the file, or sets it aside if it is damaged.
    pub(super) fn remove(self) -> io::Result<()> {
        if self.is_damaged {
            return fs::rename(&self.path, self.path.with_extension(DAMAGED_SUFFIX));
        }
        fs::remove_file(&self.path)
    }
}

/// A write that failed.
#[derive(Debug)]
pub(super) struct AppendFailure {
    /// Whether what it left behind could be cut.
    pub(super) is_clean: bool,
    pub(super) error: io::Error,
}

/// The files of a directory that are named as segments are, in their order.
pub(super) fn list(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let id = stem.and_then(|stem| stem.parse().ok());
        if let Some(id) = id.filter(|_| path.extension().is_some_and(|suffix| suffix == SUFFIX)) {
            found.push((id, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Makes the names in a directory survive the loss of power.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
