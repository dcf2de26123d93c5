//! Start-up of the log, and what redaction promises. The log is global, so the one test that
//! starts it runs in its own process.

use super::*;
use std::borrow::Cow;
use std::process::Command;

/// `(text, what is logged)`.
const CASES: &[(&str, &str)] = &[
    // Query parameters.
    ("GET /ws?token=abc&room=7 101", "GET /ws?token=***&room=7 101"),
    ("/ws?TOKEN=abc", "/ws?TOKEN=***"),
    ("?key=a&auth=b&reconnectToken=c", "?key=***&auth=***&reconnectToken=***"),
    ("?tenant_key=a#top", "?tenant_key=***#top"),
    ("?access_token=a%20b.c,d;e", "?access_token=***"),
    ("?tenantKey=a", "?tenantKey=***"),
    ("TENANT_KEYS=a:one,b:two PORT=1", "TENANT_KEYS=*** PORT=1"),
    ("--tenant-keys=a:one,b:two x", "--tenant-keys=*** x"),
    ("JWT_SECRET_KEY=a ADMIN_API_KEY=b", "JWT_SECRET_KEY=*** ADMIN_API_KEY=***"),
    ("HTTP_X_TENANT_KEY=a", "HTTP_X_TENANT_KEY=***"),
    ("token = abc", "token = ***"),
    ("token=", "token="),
    ("?token=&room=7", "?token=&room=7"),
    ("token=Bearer abc rest", "token=*** rest"),
    ("token=é", "token=***"),
    ("étoken=é é", "étoken=*** é"),
    // Names that only look alike.
    ("monkey=1 keys=2 tokens=3 author=4", "monkey=1 keys=2 tokens=3 author=4"),
    ("unknown key: PORT", "unknown key: PORT"),
    ("the token expired", "the token expired"),
    // Schemes and headers.
    ("Bearer abc.def-ghi x", "Bearer *** x"),
    ("got bearer\tabc", "got bearer\t***"),
    ("Bearer Bearer abc", "Bearer ***"),
    ("Bearer x-admin-key: abc", "Bearer ***"),
    ("Authorization: Bearer abc", "Authorization: ***"),
    ("authorization: Basic dTpw", "authorization: ***"),
    ("x-auth-token: a b c", "x-auth-token: ***"),
    ("x-tenant-key:a\r\nhost: b", "x-tenant-key:***\r\nhost: b"),
    ("X-Admin-Key: a\nX-Reconnect-Token: b", "X-Admin-Key: ***\nX-Reconnect-Token: ***"),
    ("cookie: sid=\"a\"; theme=dark", "cookie: ***"),
    ("Set-Cookie: sid=a; HttpOnly", "Set-Cookie: ***"),
    (r#"{"authorization": "Bearer abc", "host": "x"}"#, r#"{"authorization": "***", "host": "x"}"#),
    (r#"{"cookie": "a=\"b\"; c=d", "host": "x"}"#, r#"{"cookie": "***", "host": "x"}"#),
    (r#"{"set-cookie": "ends in \\", "host": "x"}"#, r#"{"set-cookie": "***", "host": "x"}"#),
    (r#"{"x-auth-token": Sensitive, "host": "x"}"#, r#"{"x-auth-token": ***, "host": "x"}"#),
    ("'cookie': 'a=b', 'host': 'x'", "'cookie': '***', 'host': 'x'"),
    // JSON and debug prints.
    (r#"{"token":"abc","room":"7"}"#, r#"{"token":"***","room":"7"}"#),
    (r#"40/events,{"tenantKey":"abc"}"#, r#"40/events,{"tenantKey":"***"}"#),
    (r#"{"key":"abc","active":true}"#, r#"{"key":"***","active":true}"#),
    (r#"Shown { tenant_key: Some("abc"), room: 7 }"#, r#"Shown { tenant_key: Some("***"), room: 7 }"#),
    (r#"{"token" : 123}"#, r#"{"token" : ***}"#),
    (r#"{"token":null,"auth":true}"#, r#"{"token":null,"auth":true}"#),
    (r#"{"auth":{"token":"abc"}}"#, r#"{"auth":{"token":"***"}}"#),
    (r#"{\"token\":\"a\\\"b\",\"room\":1}"#, r#"{\"token\":\"***\",\"room\":1}"#),
    (r#"Hello { token: Some("abc"), room: 7 }"#, r#"Hello { token: Some("***"), room: 7 }"#),
    (r#"token="a b" c"#, r#"token="***" c"#),
    (r#"{"token":"never closed, room"#, r#"{"token":"***"#),
    // A JWT shows itself.
    ("subprotocol eyJhbGciOi.eyJzdWIi.c2ln, json", "subprotocol ***, json"),
    ("eyJ is no token", "eyJ is no token"),
];

#[test]
fn secrets_are_replaced_and_the_rest_stays() {
    for (text, expected) in CASES {
        assert_eq!(redact(text), *expected, "from {text:?}");
    }
}

#[test]
fn text_without_secrets_is_not_copied() {
    assert!(matches!(redact("broadcast reached 3 sockets in `general`"), Cow::Borrowed(_)));
}

/// What random text is made of: everything the scan looks at, and some it does not.
const PIECES: &[&str] = &[
    "token",
    "key",
    "auth",
    "Bearer",
    "bearer ",
    "authorization",
    "cookie",
    "x-admin-key",
    "eyJa",
    ".",
    "=",
    ":",
    " ",
    "\"",
    "\\",
    "'",
    "\n",
    "\r",
    "&",
    "#",
    ",",
    "{",
    "}",
    "[",
    "Some(",
    "null",
    "***",
    "é",
    "\u{1f980}",
    "a",
    "\t",
    "<",
    "-",
    "_",
];

/// Returns 100,000 texts, the same in every run.
fn random_texts() -> impl Iterator<Item = String> {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        // xorshift64
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).expect("below is small")
    };
    (0..100_000).map(move |_| (0..random(20)).map(|_| PIECES[random(PIECES.len())]).collect())
}

#[test]
fn redacting_random_text_never_panics_and_twice_is_once() {
    for text in random_texts() {
        let once = redact(&text).into_owned();
        assert_eq!(redact(&once), once, "from {text:?}");
    }
}

#[test]
fn no_line_before_a_secret_makes_it_visible() {
    let forms = [
        "/ws?token=hunter2",
        "Bearer hunter2",
        "x-tenant-key: hunter2",
        "Cookie: a=b; c=\"hunter2\"",
        r#"{"authorization": "Bearer hunter2"}"#,
        r#"{"token":"hunter2"}"#,
        r#"{\"auth\":{\"token\":\"hunter2\"}}"#,
    ];
    for (number, before) in random_texts().enumerate() {
        let text = format!("{before}\n{}", forms[number % forms.len()]);
        assert!(!redact(&text).contains("hunter2"), "from {text:?}");
    }
}

#[test]
fn hostile_repetition_stays_linear() {
    let repeated =
        ["token", "token\\", "token \"", "token=\"", "Bearer ", "eyJ.", "\"token\":", "auth: ", "key ="];
    for piece in repeated {
        let text = piece.repeat(1_000_000 / piece.len());
        let started = std::time::Instant::now();
        let _ = redact(&text);
        // Quadratic would be minutes.
        assert!(started.elapsed().as_secs() < 5, "{piece:?}");
    }
}

#[test]
fn a_log_file_that_cannot_be_opened_is_an_error_that_names_log_file() {
    let blocked = Path::new("/dev/null/app.log");
    let options = LogOptions { filter: "info", format: LogFormat::Text, file: Some(blocked), enabled: true };

    let error = init_logging(&options).expect_err("a file is no directory");

    assert!(error.to_string().starts_with("LOG_FILE `/dev/null/app.log` cannot be opened: "), "{error}");
}

#[test]
fn lines_reach_stderr_and_the_file_alike() {
    // The log is started once for a process, so a process of its own starts it.
    if std::env::var_os("SWITCHBOARD_TEST_CHILD").is_some() {
        return write_one_line();
    }
    let program = std::env::current_exe().expect("the test binary");
    let test = ["--exact", "telemetry::tests::lines_reach_stderr_and_the_file_alike", "--nocapture"];

    let mut child = Command::new(program);
    let output = child.args(test).env("SWITCHBOARD_TEST_CHILD", "1").output().expect("the test runs");

    let file = std::fs::read_to_string(log_file()).expect("the directory and the file were made");
    let _ = std::fs::remove_dir_all(log_file().parent().expect("a directory"));
    assert!(output.status.success(), "{output:?}");
    let parsed: serde_json::Value = serde_json::from_str(&file).expect("one line of JSON");
    assert_eq!(parsed["message"], "GET /ws?token=***");
    assert_eq!(parsed["status"], 101);
    assert!(String::from_utf8_lossy(&output.stderr).contains(file.trim_end()));
}

fn write_one_line() {
    let file = log_file();
    let _ = std::fs::remove_file(&file);
    let options = LogOptions { filter: "info", format: LogFormat::Json, file: Some(&file), enabled: true };

    init_logging(&options).expect("the log starts");
    log::info!(status = 101; "GET /ws?token=abc");
    log::debug!("below the level");

    assert!(matches!(init_logging(&options), Err(LogError::Started)));
}

/// Returns a path beside the test binary, so that two checkouts do not share it.
fn log_file() -> PathBuf {
    std::env::current_exe().expect("the test binary").with_file_name("telemetry-test").join("logs/app.log")
}
