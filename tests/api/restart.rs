//! Data in a folder survives the end of the process.

use std::path::PathBuf;

use serde_json::json;
use user_core::id::UserId;

use crate::support::Shop;

/// A folder of this test's own, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = UserId::new(0).unwrap();
        let folder = std::env::temp_dir().join(format!("coffee-shop-{name}"));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn nothing_is_lost_by_a_restart_at_any_step() {
    let folder = Folder::new();
    let open = || Shop::at(Some(folder.0.clone()), &[]);
    assert_eq!(open().sign_up("ann@example.com").await.status, 201);
    // The letter was not sent before the end: it is now, once.
    let letter = open().mailed_token("ann@example.com").await;
    assert_eq!(open().mails("ann@example.com").await.len(), 1);
    assert_eq!(open().verify(&letter).await.status, 200);
    let pair = open().log_in("ann@example.com").await;
    let next = open().refresh(&pair.text("refresh_token")).await;
    assert_eq!(open().get("/users/me").bearer(&next.text("access_token")).send().await.status, 200);
    assert_eq!(open().sign_up("ann@example.com").await.problem(), (409, "email-taken"));
}

#[tokio::test]
async fn the_folder_is_for_its_owner_only() {
    let folder = Folder::new();
    let shop = Shop::at(Some(folder.0.join("data")), &[]);
    shop.sign_up("ann@example.com").await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.0.join("data")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    let run = shop.post("/_local/invoke/CleanupFunction").json(json!({})).send().await;
    assert_eq!(run.status, 200);
}
