//! Tests of the program itself, as `cargo local` starts it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

use std::process::{Command, Stdio};
use std::time::Duration;

/// The output and the exit status of a start with these settings. The program has a minute to end by itself.
fn start(settings: &[(&str, &str)]) -> (String, Option<i32>) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_local"));
    program.args(["--ephemeral", "--port", "0", "--dynamodb-port", "0"]).envs(settings.iter().copied());
    let mut running = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = (0..600).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        running.try_wait().unwrap()
    });
    if status.is_none() {
        running.kill().unwrap();
    }
    let output = running.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(status.is_some(), "it does not end: {printed}");
    (printed, output.status.code())
}

#[test]
fn a_start_with_malformed_settings_names_them_all_and_fails() {
    let (printed, status) = start(&[
        ("PROJECT_NAME", "Shop\nBcc: eve@example.com"),
        ("CORS_ORIGINS", "https://shop.example/"),
        ("ALLOWED_HOSTS", "*evil"),
        ("EMAILS_FROM_EMAIL", "no-reply"),
        ("FRONTEND_URL", "shop.example"),
        ("SIGNUP_ENUMERATION", "private"),
        ("EMAIL_VERIFICATION_ENABLED", "false"),
    ]);
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.starts_with("error: the configuration is not usable: "), "{printed}");
    for words in [
        "PROJECT_NAME is no line of text",
        "CORS_ORIGINS entry 1 is no origin",
        "ALLOWED_HOSTS entry 1 is no host",
        "EMAILS_FROM_EMAIL is no address to send from",
        "FRONTEND_URL is no URL",
        "SIGNUP_ENUMERATION private needs EMAIL_VERIFICATION_ENABLED true",
    ] {
        assert!(printed.contains(words), "{words} is not in {printed}");
    }
    assert!(!printed.contains("eve@example.com"), "values are not told");
}
