//! Trees of files: the same bytes, names and times on every machine.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::Result;

/// A folder to work in, gone when dropped. In memory (`/dev/shm`) where there is such a place, so that the programs are
/// compared and not the disk; `--at FOLDER` takes another.
#[derive(Debug)]
pub struct Bench(PathBuf);

impl Bench {
    /// Makes the folder.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(at: Option<&str>) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let parent = match at {
            Some(at) => PathBuf::from(at),
            None if memory.is_dir() => memory.to_path_buf(),
            None => std::env::temp_dir(),
        };
        let path = parent.join(format!("garland-peers-{}", std::process::id()));
        fs::create_dir(&path)?;
        println!("# in {}", path.display());
        Ok(Self(path))
    }

    /// A path in it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Removes what is at `name`, whatever it is.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn clear(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if path.exists() {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// An empty folder at `name`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn empty(&self, name: &str) -> Result<PathBuf> {
        self.clear(name)?;
        let path = self.path(name);
        fs::create_dir(&path)?;
        Ok(path)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Err(cause) = fs::remove_dir_all(&self.0) {
            eprintln!("left behind: {}: {cause}", self.0.display());
        }
    }
}

/// Small files for planning: folders of 500, each 0.1–1.1 kB.
///
/// # Errors
/// A file cannot be written.
pub fn many_small(root: &Path, files: usize) -> Result<()> {
    write(root, files, 500, |at| 100 + (at as u64 * 7919) % 1000)
}

/// Files of one size for copying: folders of 50.
///
/// # Errors
/// A file cannot be written.
pub fn of_size(root: &Path, files: usize, size: u64) -> Result<()> {
    write(root, files, 50, |_| size)
}

fn write(root: &Path, files: usize, per_folder: usize, size: impl Fn(usize) -> u64) -> Result<()> {
    // 2026-06-06 14:00 UTC, a second apart.
    let first = SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_754_400);
    for at in 0..files {
        let folder = root.join(format!("day-{:04}", at / per_folder));
        if at % per_folder == 0 {
            fs::create_dir_all(&folder)?;
        }
        let file = File::create(folder.join(format!("IMG_{at:07}.jpg")))?;
        let mut out = BufWriter::with_capacity(64 << 10, &file);
        let mut left = size(at);
        // xorshift64*: nothing a program could compress or share.
        let mut state = 0x9E37_79B9_7F4A_7C15 ^ (at as u64 + 1);
        while left > 0 {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let word = state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes();
            let take = left.min(8);
            out.write_all(&word[..usize::try_from(take)?])?;
            left -= take;
        }
        out.flush()?;
        drop(out);
        file.set_modified(first + Duration::from_secs(at as u64))?;
    }
    Ok(())
}
