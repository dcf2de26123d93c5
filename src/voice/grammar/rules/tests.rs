use proptest::prelude::*;

use super::*;
use crate::voice::grammar::{Grammar, PHRASES, Transcript, Understanding};

fn command(grammar: &Grammar, text: &str) -> Option<&'static str> {
    match grammar.understand(&Transcript { text, locale: "en", confidence: 1.0 }) {
        Understanding::Understood(understood) => Some(understood.command),
        _ => None,
    }
}

#[test]
fn the_embedded_phrases_can_be_read() {
    let rules = Rules::parse(PHRASES).unwrap();
    assert_eq!(rules.commands.len(), crate::voice::grammar::commands::COMMANDS.len());
    for command in &rules.commands {
        assert_eq!(command.called.len(), command.command.slots.len());
    }
}

#[test]
fn another_file_says_other_things() {
    let changed = PHRASES.replace(r#""kick off""#, r#""Kick-Off", "spin up""#);
    let (before, after) = (Grammar::default(), Grammar::parse(&changed).unwrap());
    assert_eq!(command(&before, "spin up a backup"), None);
    assert_eq!(command(&after, "spin up a backup"), Some("start_backup"));
    assert_eq!(command(&after, "kick-off a backup"), Some("start_backup"));
}

#[test]
fn a_command_that_is_not_in_the_file_cannot_be_said() {
    let end = PHRASES.find("[command.compliance_check]").unwrap();
    let grammar = Grammar::parse(&PHRASES[..end]).unwrap();
    assert_eq!(command(&grammar, "start a backup"), Some("start_backup"));
    assert_eq!(command(&grammar, "check compliance"), None);
}

/// Whoever adds a word that is denied to the words that are ignored is told, not obeyed.
#[test]
fn what_is_wrong_is_named_with_its_line_and_key() {
    for (from, to, key, problem) in [
        (r#"locale = "en""#, "locale = en", "locale", ""),
        ("longest = 1000", "longest = 0", "longest", "must be from 1 to 100000 characters"),
        ("[polite]", "[politely]", "politely", "unknown field `politely`"),
        (
            r#"hesitations = ["uh","#,
            r#"hesitations = ["uh huh","#,
            "ignored.hesitations",
            "only single words",
        ),
        (r#"words = ["a","#, r#"words = ["never","#, "ignored.words", "stands under [never] too"),
        (r#"hesitations = ["uh","#, r#"hesitations = ["not","#, "ignored.hesitations", "under [never]"),
        (r#""e-mail" = "email""#, r#""do not" = "please""#, "spelled.", "under [never]"),
        (r#""shew" = "show""#, r#""never" = "now""#, "sounds_like.", "under [never]"),
        (r#"requests = ["please","#, r#"requests = ["...","#, "polite.requests", "has no word in it"),
        (r#""e-mail" = "email""#, r#""Back up" = "email""#, "spelled.", "stands for two things"),
        ("two = 2", "two = 22", "numbers.two", "only 0 to 20"),
        (r#"dash = ["dash","#, r#"dash = ["dot","#, "dictation.dash", "said for two signs"),
        (r#"LOST = ["lost","#, r#"LOST = ["new","#, "values.status.", "said for two values"),
        (r#"LOST = ["lost","#, r#"LOST = ["open","#, "values.status.", "a `do` of `get_leads`"),
        ("[values.severity]", "[values.colour]", "values.colour", "no slot `colour`"),
        (
            "[command.get_leads]",
            "[command.get_lead]\nlabel = \"x\"\nsaid = []\n[command.get_leads]",
            "command.get_lead",
            "no command `get_lead`",
        ),
        (
            "[command.get_leads.slots.limit]",
            "[command.get_leads.slots.most]",
            "command.get_leads.slots.most",
            "no slot `most`",
        ),
        (r#"cues = ["limit","#, r#"cues = ["status","#, "command.get_leads.slots.", "announces two slots"),
        (r#"label = "Show leads""#, "", "command.get_leads", "missing field `label`"),
        (
            r#"    { what = ["metrics","#,
            "    { },\n    { what = [\"metrics\",",
            "command.get_metrics",
            "row 5 of `said` is empty",
        ),
        (r#"denied = ["not","#, r#"denied = [1,"#, "never.denied", "expected a string"),
    ] {
        assert!(PHRASES.contains(from), "{from}");
        let text = PHRASES.replacen(from, to, 1);
        let error = Rules::parse(&text).map(|_| from).unwrap_err();
        assert!(error.key.starts_with(key), "{from}: {error}");
        assert!(error.problem.contains(problem), "{from}: {error}");
        assert!(error.line >= 1 && error.line <= text.lines().count(), "{error}");
    }
}

#[test]
fn a_line_is_the_line_of_the_mistake() {
    let at = PHRASES.lines().position(|line| line == "two = 2").unwrap() + 1;
    let error = Rules::parse(&PHRASES.replace("\ntwo = 2\n", "\ntwo = 22\n")).unwrap_err();
    assert_eq!(error.line, at);
    assert!(error.to_string().starts_with(&format!("line {at}, numbers.two: ")), "{error}");
}

#[test]
fn a_huge_file_is_refused_unread() {
    let error = Rules::parse(&"#".repeat(MAX_FILE + 1)).unwrap_err();
    assert_eq!(error.to_string(), format!("line 1, the file: the file has more than {MAX_FILE} bytes"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_damaged_file_is_read_or_refused(
        at in any::<prop::sample::Index>(), length in 0..200_usize, patch in "[\\PC\n]{0,12}"
    ) {
        let start = at.index(PHRASES.len());
        let mut text = PHRASES.as_bytes()[..start].to_vec();
        text.extend(patch.bytes());
        text.extend(&PHRASES.as_bytes()[(start + length).min(PHRASES.len())..]);
        let text = String::from_utf8_lossy(&text);
        if let Err(error) = Rules::parse(&text) {
            prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1));
            prop_assert!(!error.key.is_empty() && !error.problem.is_empty());
        }
    }
}
