//! Data in a folder survives the end of the process.

use serde_json::json;

use crate::support::{Folder, TestApp};

#[tokio::test]
async fn nothing_is_lost_by_a_restart_at_any_step() {
    let folder = Folder::new();
    let open = || TestApp::at(Some(folder.path()), &[]);
    assert_eq!(open().sign_up("ann@example.com").await.status, 201);
    // The email was not sent before the end of the process; it is sent now, once.
    let message = open().mailed_token("ann@example.com").await;
    assert_eq!(open().mails("ann@example.com").await.len(), 1);
    assert_eq!(open().verify(&message).await.status, 200);
    let pair = open().log_in("ann@example.com").await;
    let next = open().refresh(&pair.text("refresh_token")).await;
    assert_eq!(open().get("/users/me").bearer(&next.text("access_token")).send().await.status, 200);
    assert_eq!(open().sign_up("ann@example.com").await.problem(), (409, "email-taken"));
}

#[tokio::test]
async fn the_folder_is_for_its_owner_only() {
    let folder = Folder::new();
    let app = TestApp::at(Some(folder.path().join("data")), &[]);
    app.sign_up("ann@example.com").await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("data")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
    let run = app.post("/_local/invoke/CleanupFunction").json(json!({})).send().await;
    assert_eq!(run.status, 200);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_is_there_keeps_its_rights_and_each_file_in_it_is_its_owners_alone() {
    use std::fs::{metadata, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &std::path::Path| metadata(path).unwrap().permissions().mode() & 0o777;
    for rights in [0o755, 0o775, 0o750, 0o700] {
        let folder = Folder::new();
        let data = folder.path();
        set_permissions(&data, PermissionsExt::from_mode(rights)).unwrap();
        let other = data.join("notes.txt");
        std::fs::write(&other, "mine").unwrap();
        set_permissions(&other, PermissionsExt::from_mode(0o644)).unwrap();
        // With the permissions of an earlier release.
        for name in ["SigningSecret.json", "mail.jsonl", "dynamodb.sqlite-wal"] {
            let (old, file) = (Folder::new(), data.join(name));
            TestApp::at(Some(old.path()), &[]);
            let whole = std::fs::read(old.path().join(name)).unwrap_or_default();
            std::fs::write(&file, whole).unwrap();
            set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
        }
        let app = TestApp::at(Some(data.clone()), &[]);
        app.member("ann@example.com").await;
        app.service.rotate_what_is_due().await.unwrap();
        assert_eq!(mode(&data), rights, "the folder is its owner's to judge");
        assert_eq!(folder::is_open_to_others(&data), rights != 0o700);
        let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 7, "{files:?}");
        for file in files {
            assert_eq!(mode(&file), if file == other { 0o644 } else { 0o600 }, "{}", file.display());
        }
    }
}
