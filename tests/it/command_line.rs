//! What the program does besides serving: the real binary, its words and its exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use switchboard::domain::id::Id;
use switchboard::domain::lead::{Lead, LeadDraft, NewLead};
use switchboard::domain::time::Timestamp;
use switchboard::store::{self, AuditEntry, AuditKind, LeadQuery, Record, Store};
use switchboard::{Settings, ambient};

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A directory with a store in it.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("cli-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&dir).unwrap();
        Place(dir)
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn store(&self) -> std::sync::Arc<dyn Store> {
        let settings = Settings::from_map(&[("DATA_DIR", self.data().to_str().unwrap())]).unwrap();
        store::sqlite::open(&settings, &*ambient::system().random, NOW).unwrap()
    }

    /// Runs the program here, with the defaults of development.
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        let Output { status, stdout, stderr } =
            program.args(args).env_clear().current_dir(&self.0).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn demo1() -> Id {
    Id::parse("demo1").unwrap()
}

fn add(store: &dyn Store, number: u32) {
    let draft = LeadDraft {
        name: Some(format!("n{number}")),
        email: Some("e@example.com".into()),
        ..LeadDraft::default()
    };
    let id = Id::parse(&format!("lead-{number}")).unwrap();
    let lead = Lead::new(id, NewLead::new(draft, "voice").unwrap(), NOW);
    let (action, actor, details) = ("create_lead".into(), "s".into(), String::new());
    let entry = AuditEntry { kind: AuditKind::Command, action, actor, success: true, details };
    store.create_lead(&demo1(), &lead, Record { settle: None, audit: Some(entry) }, NOW).unwrap();
}

fn alter(data: &Path, sql: &str) {
    let raw = rusqlite::Connection::open(data.join("switchboard.sqlite")).unwrap();
    raw.execute_batch(&format!("DROP TRIGGER audit_log_no_update; {sql}")).unwrap();
}

#[test]
fn a_sound_trail_exits_with_zero_and_tells_its_head() {
    let place = Place::new();
    let store = place.store();
    (0..3).for_each(|number| add(&*store, number));

    // While the store is open, as while the gateway runs.
    let (code, said, _) = place.run(&["audit", "verify"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("the audit trail in ./data is sound: 3 rows\nhead 3:"), "{said}");
    let head = said.trim().rsplit(' ').next().unwrap();
    add(&*store, 3);
    let (code, said, _) = place.run(&["audit", "verify", "--head", head]);
    assert!(code == Some(0) && said.contains("4 rows"), "{said}");
}

#[test]
fn a_broken_trail_exits_with_one_and_names_the_row() {
    let place = Place::new();
    let store = place.store();
    (0..5).for_each(|number| add(&*store, number));
    let (_, said, _) = place.run(&["audit", "verify"]);
    drop(store);
    alter(&place.data(), "UPDATE audit_log SET actor = 'somebody else' WHERE row = 4");

    let (code, out, problem) = place.run(&["audit", "verify"]);
    assert_eq!((code, &*out), (Some(1), ""));
    assert!(
        problem.starts_with("the audit trail in ./data is broken: row 4 is not as it was written"),
        "{problem}"
    );

    let head = said.trim().rsplit(' ').next().unwrap();
    let other = Place::new();
    drop(other.store());
    let (code, _, problem) = other.run(&["audit", "verify", "--head", head]);
    assert!(code == Some(1) && problem.contains("row 1 is missing, and all behind it"), "{problem}");
}

#[test]
fn what_cannot_be_checked_is_no_success_and_makes_nothing() {
    let place = Place::new();
    let (code, _, problem) = place.run(&["audit", "verify"]);
    assert!(code == Some(1) && problem.contains("cannot be checked"), "{problem}");
    assert!(!place.data().exists());
    let (code, _, problem) = place.run(&["audit", "verify", "--head", "3"]);
    assert!(code == Some(1) && problem.contains("--head is not ROW:HASH"), "{problem}");
}

#[test]
fn a_backup_is_put_back_while_nobody_has_the_store() {
    let place = Place::new();
    let store = place.store();
    (0..3).for_each(|number| add(&*store, number));
    let file = store.backup(&demo1(), NOW, &mut |_, _| {}).unwrap().path;
    assert!(file.starts_with(place.data().join("backups/demo1")));
    add(&*store, 9);
    let restore = |tenant: &str| place.run(&["restore", "--tenant", tenant, file.to_str().unwrap()]);

    let (code, _, problem) = restore("demo1");
    assert!(code == Some(1) && problem.contains("nothing was restored: ./data is in use"), "{problem}");
    drop(store);
    let (code, _, problem) = restore("demo2");
    assert!(code == Some(1) && problem.contains("it is of the tenant `demo1`"), "{problem}");
    let (code, _, problem) = restore("../demo1");
    assert!(code == Some(1) && problem.contains("--tenant is not an id"), "{problem}");

    let (code, said, problem) = restore("demo1");
    assert_eq!((code, &*problem), (Some(0), ""));
    assert!(said.ends_with("3 leads, 0 journal rows, 0 settings\n"), "{said}");
    assert_eq!(place.store().leads(&demo1(), &LeadQuery::newest(10)).unwrap().total, 3);
}

#[test]
fn help_tells_of_every_command() {
    let place = Place::new();
    let (code, help, _) = place.run(&["--help"]);
    assert!(code == Some(0) && help.contains("audit") && help.contains("restore"), "{help}");
    for (args, text) in [
        (&["audit", "--help"][..], "verify"),
        (&["audit", "verify", "--help"], "--head"),
        (&["restore", "--help"], "--tenant"),
    ] {
        let (code, help, _) = place.run(args);
        assert!(code == Some(0) && help.contains(text), "{help}");
    }
    assert_eq!(place.run(&["audit"]).0, Some(2));
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let place = Place::new();
    drop(place.store());
    for args in [&["--help"][..], &["audit", "verify"]] {
        let (read, write) = std::io::pipe().unwrap();
        drop(read);
        let mut program = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        let status = program.args(args).env_clear().current_dir(&place.0).stdout(write).status().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}");
    }
}
