//! Tenants and their keys: what a file may hold, and what is said of one that may not be.

use super::{LONG_SECRET, bad_keys, names};
use crate::config::{KeyDigest, KeyForm, LoadError, Settings, TenantKeyRecord, TenantRecord};
use sha2::{Digest, Sha256};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file beside the test binary that is gone afterwards.
struct File(PathBuf);

impl File {
    fn holding(text: impl AsRef<[u8]>) -> File {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tenants-test-{}-{number}.json", std::process::id());
        let path = std::env::current_exe().expect("the test binary").with_file_name(name);
        std::fs::write(&path, text).expect("beside the test binary");
        File(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path of UTF-8")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The only problem of a file with this text.
fn problem(text: impl AsRef<[u8]>) -> String {
    let file = File::holding(text);
    let bad = bad_keys(&[("TENANTS_FILE", file.path())]);
    assert_eq!(names(&bad), ["TENANTS_FILE"]);
    bad[0].problem.clone()
}

fn tenants(text: impl AsRef<[u8]>) -> Vec<TenantRecord> {
    let file = File::holding(text);
    Settings::from_map(&[("TENANTS_FILE", file.path())]).expect("good").tenants
}

/// A file of one tenant with one key of these members.
fn with_key(members: &str) -> String {
    format!(r#"[{{"id":"t","name":"T","keys":[{{{members}}}]}}]"#)
}

fn listed(key: &str) -> TenantKeyRecord {
    let (digest, form) = (KeyDigest::of(key.as_bytes()), KeyForm::Listed { length: key.len() });
    TenantKeyRecord { digest, active: true, permissions: None, form }
}

const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn a_file_is_read_to_its_last_member() {
    let text = format!(
        r#"[{{"id":"demo1","name":"Demo One","organization_id":"org_1",
              "limits":{{"max_connections":100,"messages_per_second":50}},
              "keys":[{{"key":"clear text, development only","active":true}},
                      {{"sha256":"{SHA256_OF_ABC}","active":false,"permissions":["get_leads","a.b:c-1"]}}]}},
            {{"id":"b","name":"B","limits":{{}},"keys":[]}}]"#
    );
    let permissions = Some(vec!["get_leads".to_owned(), "a.b:c-1".to_owned()]);
    let clear = KeyDigest::of(b"clear text, development only");
    let expected = [
        TenantRecord {
            id: "demo1".to_owned(),
            name: Some("Demo One".to_owned()),
            organization_id: Some("org_1".to_owned()),
            max_connections: Some(100),
            messages_per_second: NonZeroU32::new(50),
            keys: vec![
                TenantKeyRecord { digest: clear, active: true, permissions: None, form: KeyForm::Clear },
                TenantKeyRecord {
                    digest: KeyDigest::of(b"abc"),
                    active: false,
                    permissions,
                    form: KeyForm::Hashed,
                },
            ],
        },
        TenantRecord {
            id: "b".to_owned(),
            name: Some("B".to_owned()),
            organization_id: None,
            max_connections: None,
            messages_per_second: None,
            keys: Vec::new(),
        },
    ];

    assert_eq!(tenants(&text), expected);
    assert_eq!(tenants(text.replace(SHA256_OF_ABC, &SHA256_OF_ABC.to_uppercase())), expected);
    assert_eq!(tenants("[]"), []);
}

#[test]
fn what_is_at_the_bounds_is_taken() {
    let many = |count: usize, name: &str| {
        let names: Vec<String> = (0..count).map(|number| format!(r#""{name}{number}""#)).collect();
        with_key(&format!(r#""key":"k","active":true,"permissions":[{}]"#, names.join(",")))
    };
    let id = |length: usize| format!(r#"[{{"id":"{}","name":"T","keys":[]}}]"#, "i".repeat(length));
    let name = |length: usize| format!(r#"[{{"id":"t","name":"{}","keys":[]}}]"#, "é".repeat(length));
    let key = |length: usize| with_key(&format!(r#""key":"{}","active":true"#, "k".repeat(length)));
    let padded = |length: usize| format!("[]{}", " ".repeat(length - 2));
    let long = "p".repeat(62);
    let limits = |connections: u64, messages: u64| {
        format!(
            r#"[{{"id":"t","name":"T","keys":[],
                "limits":{{"max_connections":{connections},"messages_per_second":{messages}}}}}]"#
        )
    };
    let pairs = [
        (many(100, ""), many(101, "")),
        (many(100, &long), many(1, &format!("{long}pp"))),
        (id(128), id(129)),
        (id(1), id(0)),
        (name(128), name(129)),
        (name(1), name(0)),
        (key(512), key(513)),
        (key(1), key(0)),
        (padded(1 << 20), padded((1 << 20) + 1)),
        (limits(1, 1), limits(0, 1)),
        (limits(10_000_000, 1_000_000), limits(10_000_001, 1)),
        (limits(1, 1), limits(1, 0)),
        (limits(1, 1), limits(1, 1_000_001)),
    ];
    for (good, bad) in pairs {
        tenants(good);
        problem(bad);
    }
}

#[test]
fn a_bad_file_is_refused_with_the_place_and_without_its_text() {
    let key = |members: &str| with_key(members);
    let hash = |hash: &str| with_key(&format!(r#""sha256":"{hash}","active":true"#));
    let cases = [
        (String::new(), "EOF while parsing a value at line 1 column 0"),
        ("[".to_owned(), "EOF while parsing a list at line 1 column 1"),
        ("[] hunter2".to_owned(), "trailing characters at line 1 column 4"),
        ("hunter2".to_owned(), "expected value at line 1 column 1"),
        (r#""hunter2""#.to_owned(), "expected a sequence at line 1"),
        (r#"{"hunter2":"demo1"}"#.to_owned(), "expected a sequence at line 1"),
        (r#"["hunter2"]"#.to_owned(), "expected an object at line 1"),
        (r#"[["hunter2","T",[]]]"#.to_owned(), "expected an object at line 1"),
        ("[\n{\"hunter2\":\"demo1\"}]".to_owned(), "expected one of `id`, `name`,"),
        (r#"[{"name":"T","keys":[]}]"#.to_owned(), "missing field `id`"),
        (r#"[{"id":"t","keys":[]}]"#.to_owned(), "missing field `name`"),
        (r#"[{"id":"t","name":"T"}]"#.to_owned(), "missing field `keys`"),
        (r#"[{"id":"hunter2","id":"hunter2","name":"T","keys":[]}]"#.to_owned(), "duplicate field `id`"),
        (r#"[{"id":"hunter2 ","name":"T","keys":[]}]"#.to_owned(), "an id is 1 to 128 characters"),
        (r#"[{"id":7,"name":"T","keys":[]}]"#.to_owned(), "expected a string"),
        (r#"[{"id":"t","name":"a\nb","keys":[]}]"#.to_owned(), "a name is 1 to 128 characters"),
        (r#"[{"id":"t","name":"T","organization_id":"o/","keys":[]}]"#.to_owned(), "an id is"),
        (r#"[{"id":"t","name":"T","organization_id":null,"keys":[]}]"#.to_owned(), "expected a string"),
        (r#"[{"id":"t","name":"T","limits":[],"keys":[]}]"#.to_owned(), "expected an object"),
        (r#"[{"id":"t","name":"T","limits":{"hunter2":1},"keys":[]}]"#.to_owned(), "`max_connections`"),
        (r#"[{"id":"t","name":"T","limits":{"max_connections":-1},"keys":[]}]"#.to_owned(), "expected u32"),
        (r#"[{"id":"t","name":"T","limits":{"max_connections":1.5},"keys":[]}]"#.to_owned(), "expected u32"),
        (r#"[{"id":"t","name":"T","keys":["hunter2"]}]"#.to_owned(), "expected an object"),
        (key(r#""active":true"#), "a key needs either `key` or `sha256`"),
        (key(&format!(r#""key":"hunter2","sha256":"{SHA256_OF_ABC}","active":true"#)), "a key needs either"),
        (key(r#""key":"hunter2""#), "missing field `active`"),
        (key(r#""key":"hunter2","active":"hunter2""#), "expected a boolean"),
        (key(r#""key":"hunter2","active":true,"expires":1"#), "expected one of `key`, `sha256`"),
        (key(r#""key":"hunter2","active":true,"permissions":null"#), "expected a sequence"),
        (key(r#""key":"hunter2","active":true,"permissions":"hunter2""#), "expected a sequence"),
        (
            key(r#""key":"hunter2","active":true,"permissions":["hunter2, expected "]"#),
            "permissions are up to",
        ),
        (key(r#""key":"hunter2","active":true,"permissions":[""]"#), "permissions are up to"),
        (key(r#""key":" hunter2","active":true"#), "a key is 1 to 512 printable"),
        (key(r#""key":"hunter2\n","active":true"#), "a key is 1 to 512 printable"),
        (key(r#""key":"hunter2é","active":true"#), "a key is 1 to 512 printable"),
        (key(r#""hunter2, expected x":1,"active":true"#), "expected one of `key`, `sha256`"),
        (hash(""), "a `sha256` is 64 hexadecimal digits"),
        (hash("hunter2"), "a `sha256` is 64 hexadecimal digits"),
        (hash(&SHA256_OF_ABC[1..]), "a `sha256` is 64"),
        (hash(&format!("{SHA256_OF_ABC}0")), "a `sha256` is 64"),
        (hash(&format!("{SHA256_OF_ABC}00")), "a `sha256` is 64"),
        (hash(&format!("{}g", &SHA256_OF_ABC[1..])), "a `sha256` is 64"),
        (hash(&format!("{}é", &SHA256_OF_ABC[2..])), "a `sha256` is 64"),
        ("[".repeat(100_000), "expected an object"),
    ];
    for (text, expected) in cases {
        let said = problem(&text);
        assert!(said.starts_with("is not a list of tenants: ") && said.contains(expected), "{text}: {said}");
        assert!(said.contains(" at line ") && said.len() < 300, "{text}: {said}");
        assert!(!said.contains("hunter2"), "{text}: {said}");
    }
    assert!(problem(b"[{\"id\":\"\xff\",").contains("invalid unicode code point at line 1 column 9"));
}

#[test]
fn the_place_of_a_slip_is_its_line() {
    let text = "[\n  {\"id\": \"t\", \"name\": \"T\", \"keys\": [\n    {\"key\": \"k\"}\n  ]}\n]";

    assert_eq!(problem(text), "is not a list of tenants: missing field `active` at line 3 column 16");
}

#[test]
fn an_id_or_a_key_stands_once() {
    let tenant = |id: &str, keys: &str| format!(r#"{{"id":"{id}","name":"T","keys":[{keys}]}}"#);
    let key = |key: &str, active: bool| format!(r#"{{"key":"{key}","active":{active}}}"#);
    let hash = format!(r#"{{"sha256":"{SHA256_OF_ABC}","active":true}}"#);
    let file = |one: String, other: String| format!("[{one},{other}]");

    let ids = file(tenant("hunter2", ""), tenant("hunter2", ""));
    assert_eq!(problem(ids), "gives tenants 1 and 2 the same id");
    let other_tenant =
        file(tenant("a", &key("abc", true)), tenant("b", &format!("{},{hash}", key("x", true))));
    assert_eq!(problem(other_tenant), "has one key twice: 1 of tenant 1, 2 of tenant 2");
    let inactive = tenant("a", &format!("{},{hash}", key("abc", false)));
    assert_eq!(problem(format!("[{inactive}]")), "has one key twice: 1 of tenant 1, 2 of tenant 1");
}

#[test]
fn the_short_form_splits_at_the_last_colon() {
    let settings = Settings::from_map(&[("TENANT_KEYS", "a:b:one, two words:two,x:one,")]).expect("good");

    let one = TenantRecord { keys: vec![listed("a:b"), listed("x")], ..TenantRecord::unnamed("one") };
    let two = TenantRecord { keys: vec![listed("two words")], ..TenantRecord::unnamed("two") };
    assert_eq!(settings.tenants, [one, two]);
}

#[test]
fn a_bad_entry_of_the_short_form_is_named_by_its_number() {
    let cases = [
        (",", "names no key:tenant"),
        ("k:t,hunter2", "has a bad entry 2: it is not key:tenant"),
        ("hunter2:", "has a bad entry 1: an id is 1 to 128 characters of A-Z a-z 0-9 _.:@-"),
        ("k:t,,demo1:hunter2!", "has a bad entry 2: an id is"),
        (":hunter2", "has a bad entry 1: a key is 1 to 512"),
        ("hunter2é:t", "has a bad entry 1: a key is 1 to 512"),
        ("hunter2:t,k:t, hunter2 :u", "has a bad entry 3: its key is that of entry 1"),
    ];
    for (text, expected) in cases {
        let bad = bad_keys(&[("TENANT_KEYS", text)]);
        assert_eq!(names(&bad), ["TENANT_KEYS"], "{text}");
        assert!(bad[0].problem.starts_with(expected), "{text}: {}", bad[0].problem);
        assert!(!bad[0].problem.contains("hunter2"), "{text}: {}", bad[0].problem);
    }
    let long = format!("{}:t", "k".repeat(513));
    assert_eq!(names(&bad_keys(&[("TENANT_KEYS", &long)])), ["TENANT_KEYS"]);
}

#[test]
fn file_and_short_form_go_together_and_may_not_share_a_key() {
    let file = File::holding(r#"[{"id":"t","name":"T","keys":[{"key":"old","active":false}]}]"#);
    let both = |keys| [("TENANTS_FILE", file.path()), ("TENANT_KEYS", keys)];

    let tenants = Settings::from_map(&both("new:t,k:u")).expect("good").tenants;
    let keys: Vec<(&str, Option<&str>, usize)> =
        tenants.iter().map(|tenant| (&*tenant.id, tenant.name.as_deref(), tenant.keys.len())).collect();
    assert_eq!(keys, [("t", Some("T"), 2), ("u", None, 1)]);

    for keys in ["k:u,old:t", "k:u,old:u"] {
        let bad = bad_keys(&both(keys));
        assert_eq!(bad[0].to_string(), "TENANT_KEYS has a bad entry 2: its key stands in TENANTS_FILE, too");
    }
    let bad = bad_keys(&[("TENANTS_FILE", "no/such/file"), ("TENANT_KEYS", "k")]);
    assert_eq!(names(&bad), ["TENANTS_FILE", "TENANT_KEYS"]);
}

#[test]
fn a_file_that_cannot_be_read_is_a_bad_key() {
    let problem = |path: &str| bad_keys(&[("TENANTS_FILE", path)])[0].to_string();

    let missing = "TENANTS_FILE names a file that cannot be read: No such file or directory";
    assert!(problem("no/such/file.json").starts_with(missing));
    assert!(problem("/").starts_with("TENANTS_FILE names a file that cannot be read: Is a directory"));
    assert_eq!(problem("/dev/zero"), "TENANTS_FILE names a file of more than 1048576 bytes");
}

#[test]
fn development_alone_has_the_demo_tenants_and_only_where_none_are_set() {
    let keys = |settings: Settings| -> Vec<(String, KeyDigest)> {
        let keys = |tenant: TenantRecord| {
            tenant.keys.into_iter().map(move |key| (tenant.id.clone(), key.digest)).collect::<Vec<_>>()
        };
        settings.tenants.into_iter().flat_map(keys).collect()
    };
    let long = "demo-tenant-key-1-long-enough-for-secure";
    let demo = [("demo1", "demo-tenant-key-1"), ("demo1", long), ("demo2", "demo-tenant-key-2")];
    let demo = demo.map(|(tenant, key)| (tenant.to_owned(), KeyDigest::of(key.as_bytes())));

    assert_eq!(long.len(), 40);
    assert_eq!(keys(Settings::default()), demo);
    assert_eq!(keys(Settings::from_map(&[("TENANT_KEYS", "k:t")]).expect("good")).len(), 1);
    let production = Settings::from_map(&[("ENVIRONMENT", "production"), ("JWT_SECRET", LONG_SECRET)]);
    assert_eq!(keys(production.expect("good")), []);
}

#[test]
fn production_refuses_demo_keys_clear_text_and_short_keys() {
    let hash = |key: &str| {
        let digest = Sha256::digest(key);
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let hashed =
        |key: &str, active: bool| with_key(&format!(r#""sha256":"{}","active":{active}"#, hash(key)));
    let clear = with_key(r#""key":"0123456789abcdef0123456789abcdef","active":true"#);
    let (demo, long_demo) = ("demo-tenant-key-1", "demo-tenant-key-1-long-enough-for-secure");
    let cases: [(&str, &str, Option<&str>); 9] = [
        (&hashed("any", true), "", None),
        ("", "0123456789abcdef0123456789abcdef:t", None),
        (&clear, "", Some("TENANTS_FILE holds a key in clear text: in production give its `sha256`")),
        (&hashed(demo, true), "", Some("TENANTS_FILE holds the hash of a demo key")),
        (&hashed("demo-tenant-key-2", false), "", Some("TENANTS_FILE holds the hash of a demo key")),
        (&hashed(long_demo, true), "", Some("TENANTS_FILE holds the hash of a demo key")),
        ("", &format!("{long_demo}:t"), Some("TENANT_KEYS holds a demo key, which everyone knows")),
        ("", &format!("{demo}:t"), Some("TENANT_KEYS holds a demo key, which everyone knows")),
        ("", "0123456789abcdef0123456789abcde:t", Some("TENANT_KEYS holds a key under 32 characters")),
    ];
    for (text, keys, refused) in cases {
        let file = File::holding(text);
        let path = if text.is_empty() { "" } else { file.path() };
        let map = |environment| {
            [("ENVIRONMENT", environment), ("TENANTS_FILE", path), ("TENANT_KEYS", keys)]
                .into_iter()
                .chain([("JWT_SECRET", LONG_SECRET)])
                .collect::<Vec<_>>()
        };
        assert!(Settings::from_map(&map("development")).is_ok(), "{text} {keys}");
        match (Settings::from_map(&map("production")), refused) {
            (Ok(_), None) => {}
            (Err(LoadError::Invalid(bad)), Some(expected)) => {
                assert!(bad.len() == 1 && bad[0].to_string().starts_with(expected), "{bad:?}");
            }
            (other, expected) => panic!("{text} {keys}: {expected:?}, but {other:?}"),
        }
    }
}

#[test]
fn keys_are_kept_as_hashes_and_printed_not_even_so() {
    let file = File::holding(with_key(r#""key":"hunter2","active":true"#));
    let settings = Settings::from_map(&[("TENANTS_FILE", file.path()), ("TENANT_KEYS", "hunter3:u")]);
    let printed = format!("{:?}", settings.expect("good"));

    assert!(printed.contains("digest: ***") && !printed.contains("hunter"), "{printed}");
}
