//! Loading: where values come from, what is refused and how it is said.

use super::{LONG_SECRET, asked, bad_keys, load, names};
use crate::config::{BadKey, DEVELOPMENT_JWT_SECRET, LoadError, Settings, Task, sources};
use std::time::Duration;

#[test]
fn one_error_names_every_bad_key() {
    let map = [
        ("PORT", "x"),
        ("WORKERS", "0"),
        ("PING_TIMEOUT", "1h"),
        ("COMPRESSION_ENABLED", "maybe"),
        ("TYPO", "1"),
    ];
    let error = Settings::from_map(&map).expect_err("five bad keys");

    let lines = "5 settings cannot be used:
  TYPO is not a setting
  PORT is `x`, not a port (0 to 65535)
  WORKERS is `0`, not a whole number of threads from 1 to 512
  PING_TIMEOUT is `1h`, not a whole number of seconds
  COMPRESSION_ENABLED is `maybe`, not true or false";
    assert_eq!(error.to_string(), lines);
    assert_eq!(error.exit_code(), 78);
}

#[test]
fn a_key_of_a_later_feature_is_refused_by_name_unless_it_is_the_default() {
    let set =
        [("REDIS_URL", "redis://:hunter2@redis"), ("RECOVERY_NAMESPACES", "/ws"), ("DATA_DIR", "./data")];
    let lines: Vec<String> = bad_keys(&set).iter().map(BadKey::to_string).collect();

    let refused = [
        "RECOVERY_NAMESPACES needs connection state recovery, which this version does not have yet",
        "REDIS_URL needs delivery across instances, which this version does not have yet",
    ];
    assert_eq!(lines, refused);
}

#[test]
fn production_refuses_bare_ids_and_guests() {
    let with = |name, value| [("ENVIRONMENT", "production"), ("JWT_SECRET", LONG_SECRET), (name, value)];

    for (name, good, bad) in [("REQUIRE_JWT", "true", "false"), ("AUTH_REQUIRED", "true", "false")] {
        assert!(Settings::from_map(&with(name, good)).is_ok(), "{name}");
        assert_eq!(names(&bad_keys(&with(name, bad))), [name]);
        assert!(Settings::from_map(&[(name, good)]).is_ok() && Settings::from_map(&[(name, bad)]).is_ok());
    }
    assert!(Settings::from_map(&with("PORT", "1")).expect("good").require_jwt);
    assert!(!Settings::default().require_jwt && Settings::default().auth_required);
}

#[test]
fn production_refuses_missing_known_and_short_secrets() {
    let cases = [
        [("JWT_SECRET", ""), ("ADMIN_API_KEY", "")],
        [("JWT_SECRET", DEVELOPMENT_JWT_SECRET), ("ADMIN_API_KEY", "")],
        [("JWT_SECRET", LONG_SECRET), ("JWT_SECRET_KEY", "short")],
    ];
    for [one, other] in cases {
        assert_eq!(names(&bad_keys(&[("ENVIRONMENT", "production"), one, other])), ["JWT_SECRET"], "{one:?}");
    }
    let short_key =
        [("ENVIRONMENT", "production"), ("JWT_SECRET_KEY", LONG_SECRET), ("ADMIN_API_KEY", "short")];
    assert_eq!(names(&bad_keys(&short_key)), ["ADMIN_API_KEY"]);
}

#[test]
fn all_secrets_that_are_set_may_verify_and_the_development_one_does_not() {
    let settings =
        Settings::from_map(&[("SUPABASE_JWT_SECRET", "b"), ("JWT_SECRET", "a"), ("JWT_SECRET_KEY", "")]);

    let secrets: Vec<String> =
        settings.expect("good").jwt_secrets.iter().map(|secret| secret.expose().to_owned()).collect();
    assert_eq!(secrets, ["a", "b"]);
}

#[test]
fn keys_that_contradict_each_other_are_named() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("MAX_MESSAGE_SIZE_BYTES", "2097153")], "MAX_MESSAGE_SIZE_BYTES"),
        (&[("SEND_QUEUE_BYTES", "2097152")], "SEND_QUEUE_BYTES"),
        (&[("SEND_QUEUE_TOTAL_BYTES", "4194303")], "SEND_QUEUE_TOTAL_BYTES"),
        (&[("WS_PORT", "8000")], "EXTRA_PORTS"),
        (&[("WS_PORT", "8082"), ("EXTRA_PORTS", "4000,8082")], "EXTRA_PORTS"),
        (&[("PING_INTERVAL", "20"), ("PING_INTERVAL_MS", "25000")], "PING_INTERVAL"),
        (&[("MAX_HTTP_BUFFER_SIZE", "9"), ("MAX_MESSAGE_SIZE_BYTES", "8")], "MAX_HTTP_BUFFER_SIZE"),
    ];
    for (map, name) in cases {
        assert_eq!(names(&bad_keys(map)), [*name], "{map:?}");
    }
    let one_complaint = [("MAX_MESSAGE_SIZE_BYTES", "9999999"), ("HARD_MAX_MESSAGE_BYTES", "x")];
    assert_eq!(names(&bad_keys(&one_complaint)), ["HARD_MAX_MESSAGE_BYTES"]);
}

#[test]
fn several_listeners_may_pick_free_ports() {
    let settings = Settings::from_map(&[("PORT", "0"), ("WS_PORT", "0"), ("EXTRA_PORTS", "0,0")]);

    assert_eq!(settings.expect("good").ports(), [0, 0, 0, 0]);
}

#[test]
fn seconds_are_another_spelling_of_milliseconds() {
    let same = Settings::from_map(&[("PING_INTERVAL", "20"), ("PING_INTERVAL_MS", "20000")]);

    assert_eq!(same.expect("good").ping_interval, Duration::from_secs(20));
}

#[test]
fn a_flag_wins_over_the_environment_in_any_spelling() {
    let env = [("PING_INTERVAL_MS", "1000"), ("PORT", "1")];
    let settings = load(&["--ping-interval", "20", "--port=2", "--port=3"], &env).expect("good");

    assert_eq!((settings.ping_interval, settings.port), (Duration::from_secs(20), 3));
}

#[test]
fn a_wrong_flag_exits_with_two_and_is_not_help() {
    for args in [&["--prot", "1"][..], &["--port"], &["left over"]] {
        let error = load(args, &[]).expect_err("usage");
        assert!(!error.is_help() && error.exit_code() == 2, "{error}");
    }
}

#[test]
fn a_command_is_told_from_serving_and_settings_may_stand_on_either_side() {
    let restore = Task::Restore { tenant: "demo1".into(), file: "a/b.sqlite".into() };
    let verify = |head: Option<&str>| Some(Task::VerifyAudit { head: head.map(Into::into) });
    let cases: &[(&[&str], Option<Task>)] = &[
        (&[], None),
        (&["audit", "verify"], verify(None)),
        (&["audit", "verify", "--head", "1:00"], verify(Some("1:00"))),
        (&["restore", "--tenant", "demo1", "a/b.sqlite"], Some(restore)),
    ];
    for (words, task) in cases {
        for args in [[&["--data-dir", "d"], *words].concat(), [*words, &["--data-dir", "d"]].concat()] {
            let (settings, found) = asked(&args, &[("DATA_DIR", "e")]).expect("good");
            assert_eq!((found, settings.data_dir.to_str()), (task.clone(), Some("d")), "{args:?}");
            assert_eq!(settings.backup_dir.to_str(), Some("d/backups"));
        }
    }
    for args in [&["audit"][..], &["audit", "x"], &["restore", "f"], &["restore", "--tenant", "demo1"]] {
        assert_eq!(load(args, &[]).expect_err("usage").exit_code(), 2, "{args:?}");
    }
}

#[test]
fn secrets_are_shown_nowhere() {
    let set = [("JWT_SECRET", "hunter2"), ("ADMIN_API_KEY", "hunter2")];
    let settings = Settings::from_map(&set).expect("good");
    assert!(!format!("{settings:?} {settings:#?} {}", settings.jwt_secrets[0]).contains("hunter2"));

    for key in ["JWT_SECRET", "TENANT_KEYS", "REDIS_URL", "DATABASE_URL", "GITHUB_WEBHOOK_SECRET"] {
        let bad = bad_keys(&[(key, "hunter2\n")]);
        assert!(!format!("{bad:?} {}", LoadError::Invalid(bad.clone())).contains("hunter2"));
    }
    let error = load(&["--jwt-secret=hunter2", "--jwt-secrett=hunter2"], &[]).expect_err("usage");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn a_bad_value_is_shown_escaped_and_cut() {
    let problem = |value: &str| bad_keys(&[("HOST", value)])[0].problem.clone();

    assert!(problem("\u{202e}a/").starts_with(r"is `\u{202e}a/`, not an address"));
    assert!(problem(&"é".repeat(1000)).chars().count() < 160);
}

#[test]
fn admin_routes_need_credentials_outside_a_plain_development_machine() {
    let needs = |map: &[(&str, &str)]| Settings::from_map(map).expect("good").admin_needs_credentials();

    assert!(!needs(&[]));
    assert!(needs(&[("ADMIN_AUTH", "required")]));
    assert!(needs(&[("ADMIN_API_KEY", "k")]));
    assert!(needs(&[("ENVIRONMENT", "production"), ("JWT_SECRET", LONG_SECRET)]));
}

#[test]
fn a_pattern_of_rooms_matches_names_and_starts() {
    let rooms = Settings::default().public_rooms;

    assert!(rooms.matches("dashboard:overview") && rooms.matches("public:") && rooms.matches("public:news"));
    assert!(!rooms.matches("dashboard:overview2") && !rooms.matches("publi") && !rooms.matches(""));
}

#[test]
fn a_dotenv_file_is_read_and_a_broken_line_is_not_quoted() {
    let file = std::env::current_exe().expect("the test binary").with_file_name("config-test.env");
    let read = |text: &str| {
        std::fs::write(&file, text).expect("beside the test binary");
        sources::dotenv(&file)
    };

    let good = read("# comment\nPORT=1\nexport HOST='a b'\nPORT=2\n").expect("good");
    let broken = read("PORT=1\nhunter2 hunter2\n").expect_err("no KEY=value");
    std::fs::remove_file(&file).expect("it was written");

    assert_eq!((good["PORT"].as_str(), good["HOST"].as_str()), ("1", "a b"));
    assert_eq!(broken.to_string(), ".env has a line that is not KEY=value, after PORT");
    assert!(sources::dotenv(&file).expect("no file is an empty one").is_empty());
}
