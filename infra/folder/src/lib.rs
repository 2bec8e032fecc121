//! The data folder and its files. They contain password hashes, signing keys and emails, so only their owner has access.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

/// Creates a folder and its parents, for their owner alone. An existing folder keeps its permissions.
///
/// # Errors
/// If it cannot be created.
pub fn create(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Creates the folder, and locks it against other processes as long as the returned file is open. Two services on one folder would each
/// keep their own signing keys and emails.
///
/// # Errors
/// If another process has locked the folder, or it cannot be created.
pub fn lock(folder: &Path) -> io::Result<File> {
    create(folder)?;
    let file = open_private(OpenOptions::new().append(true).create(true), &folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::other(format!(
            "another `cargo local` has its data in {}; --join URL is a second instance of that one, --data takes another folder",
            folder.display()
        ))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether anybody but the owner has access to a folder; always false on systems without Unix permissions.
#[must_use]
pub fn is_open_to_others(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(folder).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}

/// Opens a file with `options`, and restricts it to its owner before anything is written.
///
/// # Errors
/// If the file cannot be opened or belongs to another user; the message names the file.
pub fn open_private(options: &mut OpenOptions, file: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    let opened = options.open(file);
    // A file that existed before has its own permissions.
    #[cfg(unix)]
    let opened = opened.and_then(|opened| {
        opened.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(opened)
    });
    opened.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

/// Creates an empty file for its owner alone; the content of an existing file is lost.
///
/// # Errors
/// As [`open_private`].
pub fn create_private(file: &Path) -> io::Result<File> {
    open_private(OpenOptions::new().write(true).create(true).truncate(true), file)
}

/// Writes a file for its owner alone, completely or not at all.
///
/// # Errors
/// As [`open_private`]; if the file cannot be written.
pub fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".part");
    create_private(Path::new(&beside))?.write_all(bytes)?;
    std::fs::rename(&beside, file)
}

/// Restricts a file to its owner, if it exists.
///
/// # Errors
/// If its permissions cannot be changed.
pub fn make_private(file: &Path) -> io::Result<()> {
    match open_private(OpenOptions::new().append(true), file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_process_alone_until_it_ends() {
        let folder = std::env::temp_dir().join(format!("local-lock-{}", user_core::id::version().unwrap()));
        let held = lock(&folder).unwrap();
        let refused = lock(&folder).unwrap_err().to_string();
        assert!(
            refused.starts_with("another `cargo local` has its data in") && refused.contains("--join"),
            "{refused}"
        );
        drop(held);
        drop(lock(&folder).unwrap());
        fs::remove_dir_all(&folder).unwrap();
    }
}
