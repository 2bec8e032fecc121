//! Data in a folder survives the end of the process.

use serde_json::json;

use crate::support::{Folder, Shop};

#[tokio::test]
async fn nothing_is_lost_by_a_restart_at_any_step() {
    let folder = Folder::new();
    let open = || Shop::at(Some(folder.path()), &[]);
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
    let shop = Shop::at(Some(folder.path().join("data")), &[]);
    shop.sign_up("ann@example.com").await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("data")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    let run = shop.post("/_local/invoke/CleanupFunction").json(json!({})).send().await;
    assert_eq!(run.status, 200);
}
