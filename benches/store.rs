//! What the store costs: `get_leads` and searches on 100,000 leads beside the same queries in plain SQLite,
//! and `create_lead` a second with the durability the store promises.
//!
//! `cargo bench --bench store`; `-- --quick` takes a tenth of the leads.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use switchboard::domain::id::Id;
use switchboard::domain::lead::{Lead, LeadChange, LeadDraft, LeadEdits, LeadStatus, NewLead};
use switchboard::domain::time::Timestamp;
use switchboard::store::{
    AuditEntry, AuditKind, Begin, Begun, Effect, LeadQuery, Record, SearchText, Settle, Store,
};
use switchboard::{Settings, ambient};

const START: i64 = 1_767_225_600_000;
const FIRST: [&str; 8] = ["John", "Ann", "Bo", "Cleo", "Dirk", "Elin", "Farah", "Gert"];
const LAST: [&str; 10] =
    ["Doe", "Smith", "Jensen", "Okoro", "Nagy", "Rossi", "Novak", "Silva", "Kim", "Haddad"];
const SOURCES: [&str; 4] = ["voice", "web", "api", "fair"];

fn lead(number: u64) -> Lead {
    let pick = |list: &[&str], by: u64| list[usize::try_from(by).unwrap() % list.len()].to_owned();
    let draft = LeadDraft {
        name: Some(format!("{} {}", pick(&FIRST, number), pick(&LAST, number / 8))),
        email: Some(format!("lead{number}@example.com")),
        company: Some(format!("Company {}", number % 997)),
        phone: Some(format!("+45 {number:08}")),
        notes: Some(format!("Met at stand {}. Interested in plan {}.", number % 313, number % 7)),
        source: Some(pick(&SOURCES, number / 3)),
    };
    let id = Id::parse(&format!("lead-{number}")).unwrap();
    let at = Timestamp::from_millis(START + i64::try_from(number).unwrap() * 1000);
    Lead::new(id, NewLead::new(draft, "voice").unwrap(), at)
}

fn main() {
    let is_quick = std::env::args().any(|arg| arg == "--quick");
    let count: u64 = if is_quick { 10_000 } else { 100_000 };
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-store-{}", std::process::id()));
    let data_dir = dir.to_str().expect("a path in UTF-8").to_owned();
    let settings = Settings::from_map(&[("DATA_DIR", &data_dir)]).expect("good settings");
    let now = Timestamp::from_millis(START);
    let store =
        switchboard::store::sqlite::open(&settings, &*ambient::system().random, now).expect("a store");
    let tenant = Id::parse("demo1").unwrap();

    println!("sync of the disk: {:.2} ms", sync_time(&dir).as_secs_f64() * 1e3);
    fill(&store, &tenant, count);
    reads(&*store, &tenant, &dir, count);
    for threads in [1, 8, 64] {
        writes(&store, threads, if is_quick { 512 } else { 4096 });
    }
    backup(&*store, &tenant);
    drop(store);
    std::fs::remove_dir_all(&dir).expect("our own directory");
}

/// The median time to append a page and sync it: the floor of one commit.
fn sync_time(dir: &std::path::Path) -> Duration {
    use std::io::Write;
    let path = dir.join("sync");
    let mut file = std::fs::File::create(&path).expect("a file");
    let one = || {
        let start = Instant::now();
        file.write_all(&[0; 4096]).and_then(|()| file.sync_data()).expect("a disk");
        start.elapsed()
    };
    let times = median(std::iter::repeat_with(one).take(101).collect());
    std::fs::remove_file(&path).expect("it was made");
    times
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Runs `job` on so many threads, each with its share of the numbers.
fn on_threads(threads: u64, numbers: u64, job: impl Fn(u64) + Send + Sync + 'static) -> Duration {
    let job = Arc::new(job);
    let start = Instant::now();
    let all: Vec<_> = (0..threads)
        .map(|thread| {
            let job = Arc::clone(&job);
            std::thread::spawn(move || (thread..numbers).step_by(threads as usize).for_each(|n| job(n)))
        })
        .collect();
    all.into_iter().for_each(|thread| thread.join().expect("no panic"));
    start.elapsed()
}

fn fill(store: &Arc<dyn Store>, tenant: &Id, count: u64) {
    let (to, of) = (Arc::clone(store), tenant.clone());
    let took = on_threads(64, count, move |number| {
        let lead = lead(number);
        to.create_lead(&of, &lead, Record::default(), lead.created_at).expect("stored");
        if number % 5 == 1 {
            let status = Some(["CONTACTED", "QUALIFIED", "LOST"][number as usize / 5 % 3].to_owned());
            let change = LeadChange::new(LeadEdits { status, ..LeadEdits::default() }).unwrap();
            let then = Box::new(|_: &switchboard::store::Changed| Record::default());
            to.change_lead(&of, &lead.id, change, lead.created_at, then).expect("changed");
        }
    });
    println!("{count} leads stored in {:.1} s", took.as_secs_f64());
}

/// A query of the store, and what plain SQLite is asked instead.
struct Case {
    name: &'static str,
    query: LeadQuery,
    rows: &'static str,
    total: &'static str,
    bound: Vec<String>,
}

const COLUMNS: &str = "id, name, email, company, phone, notes, source, status, created_at, updated_at";

fn cases() -> Vec<Case> {
    let newest = LeadQuery::newest;
    let text = |words: &str, limit| LeadQuery { text: SearchText::parse(words), ..newest(limit) };
    let case = |name, query, rows, total, bound: &[&str]| {
        let bound = bound.iter().map(|text| (*text).to_owned()).collect();
        Case { name, query, rows, total, bound }
    };
    let lost = Some(LeadStatus::Lost);
    let by_time = "tenant = ?1 ORDER BY created_at DESC, seq DESC";
    let by_status = "tenant = ?1 AND status = ?2 ORDER BY created_at DESC, seq DESC";
    let by_both = "tenant = ?1 AND status = ?2 AND source = ?3 ORDER BY created_at DESC, seq DESC";
    vec![
        case("newest 10", newest(10), by_time, "tenant = ?1", &["demo1"]),
        case(
            "status, 10",
            LeadQuery { status: lost, ..newest(10) },
            by_status,
            "tenant = ?1 AND status = ?2",
            &["demo1", "LOST"],
        ),
        case(
            "status, 1000",
            LeadQuery { status: lost, ..newest(1000) },
            by_status,
            "tenant = ?1 AND status = ?2",
            &["demo1", "LOST"],
        ),
        case(
            "status and source, 100",
            LeadQuery { status: lost, source: Some("web".into()), ..newest(100) },
            by_both,
            "tenant = ?1 AND status = ?2 AND source = ?3",
            &["demo1", "LOST", "web"],
        ),
        case("search, few match", text("lead777", 10), "", "", &["lead777"]),
        case("search, one in eighty matches", text("john doe", 10), "", "", &[]),
        case("search, all match", text("example", 10), "", "", &["example"]),
        case("search, two characters", text("bo", 10), "", "", &["bo"]),
    ]
}

fn reads(store: &dyn Store, tenant: &Id, dir: &std::path::Path, count: u64) {
    let plain = Connection::open(dir.join("switchboard.sqlite")).expect("the same file");
    // As much memory as a reader of the store has.
    plain.pragma_update(None, "cache_size", -8192).expect("a pragma");
    println!(
        "\n| get_leads on {count} leads | store | plain SQLite | ratio | rows of |\n|---|---|---|---|---|"
    );
    for case in cases() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut total = 0;
        let mut returned = 0;
        // In turns, so that what disturbs one disturbs the other.
        for _ in 0..201 {
            let start = Instant::now();
            let page = store.leads(tenant, &case.query).expect("an answer");
            ours.push(start.elapsed());
            (total, returned) = (page.total, page.leads.len());
            if !case.rows.is_empty() {
                let start = Instant::now();
                let (rows, of) = asked_plainly(&plain, &case);
                theirs.push(start.elapsed());
                assert_eq!((rows, of), (returned, total), "{}", case.name);
            }
        }
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        let ours = us(median(ours));
        if theirs.is_empty() {
            println!("| {} | {ours:.0} µs | | | {returned} of {total} |", case.name);
        } else {
            let theirs = us(median(theirs));
            println!(
                "| {} | {ours:.0} µs | {theirs:.0} µs | {:.2} | {returned} of {total} |",
                case.name,
                ours / theirs
            );
        }
    }
}

/// The rows with all their columns, and how many there are in all: what the store answers, too.
fn asked_plainly(plain: &Connection, case: &Case) -> (usize, u64) {
    let sql = format!("SELECT {COLUMNS} FROM leads WHERE {} LIMIT {}", case.rows, case.query.limit);
    let mut rows = plain.prepare_cached(&sql).expect("good SQL");
    let mut rows = rows.query(rusqlite::params_from_iter(&case.bound)).expect("rows");
    let mut found: Vec<Vec<rusqlite::types::Value>> = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        found.push((0..10).map(|column| row.get(column).expect("a column")).collect());
    }
    let sql = format!("SELECT count(*) FROM leads WHERE {}", case.total);
    let mut total = plain.prepare_cached(&sql).expect("good SQL");
    let total: i64 =
        total.query_row(rusqlite::params_from_iter(&case.bound), |row| row.get(0)).expect("a count");
    (found.len(), total.unsigned_abs())
}

/// Whole commands: begun in the journal, then lead, answer and audit entry in one commit.
fn writes(store: &Arc<dyn Store>, threads: u64, count: u64) {
    let tenant = Id::parse("demo2").unwrap();
    let bare = {
        let (to, of) = (Arc::clone(store), tenant.clone());
        let count = count * threads.min(8) / 8;
        let took = on_threads(threads, count, move |number| {
            let lead = lead(1_000_000 * threads + number);
            to.create_lead(&of, &lead, Record::default(), lead.created_at).expect("stored");
        });
        count as f64 / took.as_secs_f64()
    };
    let (to, of) = (Arc::clone(store), tenant);
    let count = count * threads.min(8) / 8;
    let took = on_threads(threads, count, move |number| {
        let lead = lead(1_000_000 * threads + 500_000 + number);
        let key = lead.id.to_string();
        let begin = Begin::new(&*key, "body", "create_lead", Effect::Inside);
        assert_eq!(to.begin(&of, &begin, lead.created_at), Ok(Begun::First));
        let settle = Some(Settle::Done { key, answer: "x".repeat(300) });
        let (action, actor, details) = ("create_lead".into(), "socket".into(), String::new());
        let audit = Some(AuditEntry { kind: AuditKind::Command, action, actor, success: true, details });
        to.create_lead(&of, &lead, Record { settle, audit }, lead.created_at).expect("stored");
    });
    let whole = count as f64 / took.as_secs_f64();
    if threads == 1 {
        println!("\n| create_lead a second, synced | bare | begun, settled and audited |\n|---|---|---|");
    }
    println!("| {threads} at once | {bare:.0} | {whole:.0} |");
}

fn backup(store: &dyn Store, tenant: &Id) {
    let start = Instant::now();
    let backup = store.backup(tenant, Timestamp::from_millis(START), &mut |_, _| {}).expect("a backup");
    let took = start.elapsed().as_secs_f64();
    println!("\nbackup of {} leads: {took:.2} s, {:.1} MB", backup.rows.leads, backup.bytes as f64 / 1e6);
    let start = Instant::now();
    store.restore(tenant, &backup.path).expect("restored");
    println!("restore: {:.2} s", start.elapsed().as_secs_f64());
}
