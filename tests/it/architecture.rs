//! The floors of the house, held: who may import whom, and what may not be named where.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and what of ours it may import, besides itself. `app`, `main` and its `cli` may import all.
const FLOORS: &[(&str, &[&str])] = &[
    (
        "http",
        // Of `proto` the types of a handshake alone.
        &[
            "session",
            "hub",
            "voice",
            "dialect",
            "auth",
            "proto",
            "events",
            "store",
            "domain",
            "config",
            "telemetry",
            "limits",
        ],
    ),
    (
        "session",
        &[
            "hub",
            "voice",
            "dialect",
            "auth",
            "store",
            "events",
            "proto",
            "domain",
            "config",
            "telemetry",
            "limits",
        ],
    ),
    ("voice", &["events", "store", "domain", "config", "telemetry"]),
    ("hub", &["dialect", "events", "domain", "config", "telemetry", "limits"]),
    ("voice", &["store", "events", "domain", "config", "telemetry"]),
    ("dialect", &["proto", "events", "domain"]),
    ("auth", &["events", "domain", "config"]),
    ("proto", &[]),
    ("events", &["domain"]),
    ("store", &["domain", "config"]),
    // Limits count on the injected clock, and the system's clock implements the trait.
    ("limits", &["domain"]),
    ("ambient", &["domain"]),
    ("listeners", &["config"]),
    ("domain", &[]),
    ("config", &[]),
    ("telemetry", &[]),
];

/// Folders that must stay pure: no runtime, no clock, no randomness of their own.
const PURE: &[&str] = &["domain", "proto", "events", "dialect", "voice/grammar"];
const IMPURE: &[&str] =
    &["tokio", "actix", "Instant::now", "SystemTime", "getrandom", "std::net", "std::thread"];

/// Longest file, in lines of code without its tests.
const LONGEST: usize = 400;

struct Source {
    /// The module directly below the crate.
    module: String,
    path: PathBuf,
    /// The text without comments and without test modules.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                let below = path.strip_prefix(&root).unwrap();
                let first = below.components().next().unwrap().as_os_str().to_string_lossy();
                let module = if below.components().count() == 1 { name } else { first.into_owned() };
                let code = code_of(&fs::read_to_string(&path).unwrap());
                found.push(Source { module, path, code });
            }
        }
    }
    assert!(found.len() > 30, "the walk found the sources");
    found
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        name == "tests" || name == "tests.rs" || name.ends_with("_tests.rs")
    })
}

/// Drops comments, and everything from the first test module on: test modules stand last.
fn code_of(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules named by `crate::` paths, `crate::{a, b}` included.
fn imports(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let list = match rest.strip_prefix('{') {
            Some(inside) => inside.split('}').next().unwrap_or_default(),
            None => rest,
        };
        for item in list.split(',') {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let name: String = item.trim_start().chars().take_while(|c| word(*c)).collect();
            names.push(name);
            if !rest.starts_with('{') {
                break;
            }
        }
    }
    names
}

#[test]
fn every_module_imports_from_its_own_and_lower_floors_only() {
    let floors: BTreeMap<&str, &[&str]> = FLOORS.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources() {
        if matches!(&*source.module, "app" | "main" | "cli" | "lib") {
            continue;
        }
        let allowed = floors.get(&*source.module).unwrap_or_else(|| {
            panic!("{} is on no floor: add it to the table", source.module);
        });
        for import in imports(&source.code) {
            if import != source.module && !allowed.contains(&&*import) {
                wrong.push(format!("{} imports {import}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_folders_name_no_runtime_and_no_clock() {
    let mut wrong = Vec::new();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let pure = |source: &&Source| PURE.iter().any(|folder| source.path.starts_with(src.join(folder)));
    for source in sources().iter().filter(pure) {
        for word in IMPURE {
            if source.code.contains(word) {
                wrong.push(format!("{} names {word}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn time_comes_from_the_injected_clock_and_settings_from_one_place() {
    let mut wrong = Vec::new();
    for source in sources() {
        // The log stamps its own lines; everything else asks the clock it was given.
        let clocks = ["Instant::now", "SystemTime::now", "tokio::time", "run_later", "run_interval"];
        let may_read_time = matches!(&*source.module, "ambient" | "telemetry");
        for word in clocks.iter().filter(|word| !may_read_time && source.code.contains(**word)) {
            wrong.push(format!("{} names {word}", source.path.display()));
        }
        if source.module != "config" && source.code.contains("env::var") {
            wrong.push(format!("{} reads the environment", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_has_grown_a_second_subject() {
    for source in sources() {
        let lines = source.code.lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", source.path.display());
    }
}

#[test]
fn the_checks_can_fail() {
    assert_eq!(
        imports("use crate::hub::x; crate::{auth::A, session, http::{y}}"),
        ["hub", "auth", "session", "http"]
    );
    assert_eq!(code_of("a // tokio\n#[cfg(test)]\nmod tests { tokio }").trim(), "a");
}
