//! What holds for any transcript and any file of phrases.

use std::fmt::Write as _;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::rules::Rules;
use super::understand::understand;
use super::*;

/// Most look-ups for each word, all six commands together.
const STEPS_PER_WORD: usize = 60;

fn english(text: &str) -> Transcript<'_> {
    Transcript { text, locale: "en", confidence: 1.0 }
}

/// The embedded rules, with transcripts as long as any file may allow.
static PATIENT: LazyLock<Rules> =
    LazyLock::new(|| Rules::parse(&PHRASES.replace("longest = 1000", "longest = 100000")).unwrap());

static RULES: LazyLock<Rules> = LazyLock::new(Rules::embedded);

static VOCABULARY: LazyLock<Vec<String>> = LazyLock::new(vocabulary);

fn acts(text: &str) -> bool {
    match understand(&RULES, &english(text)).0 {
        Understanding::Understood(understood) => {
            commands::COMMANDS.iter().any(|row| row.has_effect && row.name == understood.command)
        }
        _ => false,
    }
}

/// Every word of the rules once, and some of no rule.
fn vocabulary() -> Vec<String> {
    let mut words: Vec<String> = tokens::cut(PHRASES).into_iter().map(|token| token.word).collect();
    words
        .extend(["john", "doe", "x@y.com", "+45", "12", "?", ",", "🚀", "zxcv", "ß", "'"].map(str::to_owned));
    words.sort();
    words.dedup();
    words
}

/// Requests with an effect that are understood.
fn acting() -> Vec<String> {
    let mut all = Vec::new();
    for verb in ["start", "kindly run", "could you make", "i want to start"] {
        for kind in ["", "full ", "complete "] {
            for end in ["", " with high priority", " now please"] {
                all.push(format!("{verb} a {kind}backup{end}"));
            }
        }
    }
    for request in ["create a lead for john doe", "add a lead named John Doe", "new lead john doe"] {
        for address in
            ["email john@example.com", "email john dot doe at example dot com", "john.doe@example.com"]
        {
            for end in [
                "",
                " company acme",
                " phone plus four five twelve thirty four fifty six",
                " notes likes tea",
            ] {
                all.push(format!("{request} {address}{end}"));
            }
        }
    }
    all
}

const DENIALS: &[&str] = &[
    "do not",
    "don't",
    "Don't",
    "don’t",
    "never",
    "please do not",
    "no",
    "no do not",
    "not",
    "you must not",
    "i do not want you to",
    "never mind",
    "forget it do not",
    "stop do not",
    "i did not say",
    "under no circumstances",
    "nobody should",
    "without asking",
    "cancel",
    "instead of",
    "rather than",
    "avoid that you",
    "let us not",
];

const DOUBTS: &[&str] = &[
    "if",
    "what if i",
    "he said",
    "she told me to",
    "suppose you",
    "maybe",
    "should i",
    "what does",
    "how do i",
    "why did you",
    "did you",
    "can you",
    "we might",
    "imagine i",
    "the manual says",
    "according to him",
    "in case",
];

#[test]
fn a_denial_or_a_doubt_in_front_never_acts() {
    for request in acting() {
        assert!(acts(&request), "{request}");
        for before in DENIALS.iter().chain(DOUBTS) {
            let text = format!("{before} {request}");
            assert!(!acts(&text), "{text}");
        }
    }
}

#[test]
fn a_denial_behind_never_acts() {
    for request in acting() {
        for behind in
            [" no", ", no wait", " never mind", ". Cancel that!", " don't", "… scratch that", " NOT"]
        {
            let text = format!("{request}{behind}");
            assert!(!acts(&text), "{text}");
        }
    }
}

#[test]
fn nothing_acts_on_less_than_half_confidence() {
    let grammar = Grammar::default();
    for confidence in [0.0, 0.3, 0.499_999, -1.0, 1.1, f64::NAN, f64::INFINITY] {
        for request in acting() {
            let transcript = Transcript { text: &request, locale: "en", confidence };
            let understanding = grammar.understand(&transcript);
            assert!(matches!(understanding, Understanding::Clarify { .. }), "{request} at {confidence}");
        }
    }
}

#[test]
fn an_unknown_word_anywhere_keeps_a_backup_from_starting() {
    for request in acting().iter().filter(|request| request.contains("backup")) {
        let words: Vec<&str> = request.split(' ').collect();
        for at in 0..=words.len() {
            let mut with = words.clone();
            with.insert(at, "zxcv");
            assert!(!acts(&with.join(" ")), "{}", with.join(" "));
        }
    }
}

#[test]
fn an_answer_says_what_is_missing_and_what_would_be_done() {
    let grammar = Grammar::default();
    let ask = |text: &str| match grammar.understand(&english(text)) {
        Understanding::Clarify { question, options } => (question, options),
        other => panic!("{text}: {other:?}"),
    };
    let (question, options) = ask("create a lead for john doe");
    assert_eq!(question, "Create a lead needs an e-mail address.");
    assert_eq!(options[0].parameters.get(), r#"{"name":"John Doe"}"#);
    let (question, options) = ask("don't start a full backup");
    assert_eq!(
        question,
        "Nothing was done. Did you want this after all: Start a backup (backup type: full)?"
    );
    assert_eq!(options[0].label, "Start a backup (backup type: full)");
    let (_, options) = ask("start a backup and create a lead");
    assert_eq!(
        options.iter().map(|option| option.command).collect::<Vec<_>>(),
        ["create_lead", "start_backup"]
    );
}

#[test]
fn another_language_and_an_endless_transcript_are_told_why() {
    let grammar = Grammar::default();
    let why = |text: &str, locale| match grammar.understand(&Transcript { text, locale, confidence: 1.0 }) {
        Understanding::NotUnderstood { details } => details,
        other => panic!("{other:?}"),
    };
    assert_eq!(why("start a backup", "da"), "Transcripts are understood in `en` only");
    assert_eq!(why("start a backup", ""), "Transcripts are understood in `en` only");
    assert_eq!(why(&"ü".repeat(1001), "en"), "A transcript may have at most 1000 characters");
    assert_eq!(why(&"ü".repeat(1000), "en"), "No command was recognised");
}

#[test]
fn parameters_are_json_whatever_was_said() {
    let grammar = Grammar::default();
    let text = r#"create a lead for john doe email j@x.de notes says "hi" \ back	tab {"a":1}"#;
    let Understanding::Understood(understood) = grammar.understand(&english(text)) else { panic!() };
    let parameters: std::collections::BTreeMap<String, String> =
        serde_json::from_str(understood.parameters.get()).unwrap();
    assert_eq!(parameters["notes"], r#"says "hi" \ back tab {"a":1}"#);
}

#[test]
fn the_worst_texts_take_steps_by_their_length_only() {
    for piece in [
        "a ",
        "for ",
        "create ",
        "create a lead for ",
        "email ",
        "j d o e ",
        "john at ",
        "dot ",
        "one hundred and ",
        "twelve ",
        "name please ",
        "search for the ",
        "and ",
        "note and ",
        "for please ",
        "x, ",
        "double ",
        "do not ",
        "company of ",
        "new ",
        "status ",
        "find named ",
        "🚀",
        "backup data ",
        "phone plus ",
        "leads ",
    ] {
        let text: String = piece.repeat(24_000 / piece.len().max(5));
        let words = tokens::cut(&text).len();
        let (_, steps) = understand(&PATIENT, &english(&text));
        assert!(steps <= STEPS_PER_WORD * (words + 1), "`{piece}`: {steps} steps for {words} words");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_has_an_answer_in_linear_time(text in any::<String>(), confidence in any::<f64>()) {
            let words = tokens::cut(&text).len();
        let (_, steps) = understand(&PATIENT, &Transcript { text: &text, locale: "en", confidence });
        prop_assert!(steps <= STEPS_PER_WORD * (words + 1));
    }

    #[test]
    fn any_words_of_the_rules_have_an_answer_in_linear_time(
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..400)
    ) {
        let vocabulary = &*VOCABULARY;
        let mut text = String::new();
        for pick in picks {
            write!(text, "{} ", pick.get(vocabulary)).unwrap();
        }
        let words = tokens::cut(&text).len();
        // Spellings may make two words of one.
        let (_, steps) = understand(&PATIENT, &english(&text));
        prop_assert!(steps <= STEPS_PER_WORD * (2 * words + 1), "{} steps for {} words", steps, words);
    }

    #[test]
    fn a_denied_request_never_acts_whatever_else_is_said(
        request in prop::sample::select(acting()),
        denial in prop::sample::select(DENIALS),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let words: Vec<&String> = picks.iter().map(|pick| pick.get(&VOCABULARY)).collect();
        let more = words.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" ");
        let text = format!("{denial} {more} {request}");
        prop_assert!(!acts(&text), "{}", text);
    }
}
