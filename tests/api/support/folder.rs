//! Temporary folders of a test.

use std::path::PathBuf;

use user_core::id::UserId;

/// A folder of this test, which is removed at its end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let name = UserId::new(0).unwrap();
        let folder = std::env::temp_dir().join(format!("coffee-shop-{name}"));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
