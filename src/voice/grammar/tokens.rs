//! A transcript cut into words.
//!
//! A token keeps its place in the transcript, so that names, notes and queries come out as they were
//! written, while rules compare lower-case words. A symbol that is no punctuation is a word of its
//! own: a sign nobody has explained must not vanish in front of a command with an effect.

/// The pause a recogniser wrote in front of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pause {
    #[default]
    None,
    Comma,
    Stop,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// In lower case.
    pub word: String,
    /// Its bytes in the transcript. Words that were written as one ("don't") share them.
    pub start: usize,
    pub end: usize,
    /// In front of it.
    pub pause: Pause,
    /// Taken for a word that only sounds alike.
    pub is_guess: bool,
}

impl Token {
    /// Whether this is a digit or a letter that was spelled.
    pub fn is_spelled(&self) -> bool {
        self.word.chars().count() == 1 || self.is_digits()
    }

    pub fn is_digits(&self) -> bool {
        self.word.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Kept inside a word: e-mail addresses, telephone numbers, double names. At its ends they are
/// punctuation.
const INNER: &[char] = &['@', '.', '_', '+', '-', '\'', '’', ','];

/// Cuts `text` into words, in one pass.
pub fn cut(text: &str) -> Vec<Token> {
    let mut cutter = Cutter { text, tokens: Vec::new(), pause: Pause::None };
    let mut run = None;
    for (at, c) in text.char_indices() {
        if belongs(c) || INNER.contains(&c) {
            run.get_or_insert(at);
            continue;
        }
        if let Some(start) = run.take() {
            cutter.run(start, at);
        }
        cutter.sign(at, c);
    }
    if let Some(start) = run {
        cutter.run(start, text.len());
    }
    cutter.tokens
}

struct Cutter<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    pause: Pause,
}

impl Cutter<'_> {
    /// A run of letters, digits and inner signs: words with commas between them, or one number
    /// with commas in it.
    fn run(&mut self, start: usize, end: usize) {
        let run = &self.text[start..end];
        if is_number_with_commas(run) {
            self.push(start, end);
            return;
        }
        let mut at = start;
        for (index, part) in run.split(',').enumerate() {
            if index > 0 {
                self.pause = self.pause.max(Pause::Comma);
            }
            self.part(at, at + part.len());
            at += part.len() + 1;
        }
    }

    fn part(&mut self, start: usize, end: usize) {
        let part = &self.text[start..end];
        let is_sign = |c: char| INNER.contains(&c);
        let bare = part.trim_start_matches(is_sign);
        let head = &part[..part.len() - bare.len()];
        let bare = bare.trim_end_matches(is_sign);
        if bare.is_empty() {
            part.chars().for_each(|c| self.sign(start, c));
            return;
        }
        // The plus of a telephone number is part of it.
        let plus = usize::from(head.ends_with('+') && bare.starts_with(|c: char| c.is_ascii_digit()));
        let from = start + head.len() - plus;
        let to = start + head.len() + bare.len();
        head.chars().for_each(|c| self.pause = self.pause.max(pause_of(c)));
        self.push(from, to);
        self.text[to..end].chars().for_each(|c| self.pause = self.pause.max(pause_of(c)));
    }

    fn sign(&mut self, at: usize, c: char) {
        if is_punctuation(c) {
            self.pause = self.pause.max(pause_of(c));
        } else {
            self.push(at, at + c.len_utf8());
        }
    }

    fn push(&mut self, start: usize, end: usize) {
        let word = self.text[start..end].to_lowercase().replace('’', "'");
        let pause = std::mem::take(&mut self.pause);
        self.tokens.push(Token { word, start, end, pause, is_guess: false });
    }
}

/// Letters, digits, and the marks that are set above or below a letter.
fn belongs(c: char) -> bool {
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

fn is_punctuation(c: char) -> bool {
    c.is_whitespace() || c.is_control() || INNER.contains(&c) || ";:!?()\"“”‘„–—…&*/".contains(c)
}

fn pause_of(c: char) -> Pause {
    match c {
        '.' | '!' | '?' | '…' => Pause::Stop,
        ',' | ';' | ':' | '(' | ')' | '–' | '—' | '-' | '\n' => Pause::Comma,
        _ => Pause::None,
    }
}

/// `1,000` is one number, `1,2` are two.
fn is_number_with_commas(run: &str) -> bool {
    let mut groups = run.split(',');
    let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()) && is_digits(group));
    first && run.contains(',') && groups.all(|group| group.len() == 3 && is_digits(group))
}

/// The text of `tokens` as it was written, on one line. Words left out in between leave no trace.
pub fn written(text: &str, tokens: &[Token]) -> String {
    let mut out = String::new();
    let mut before: Option<&Token> = None;
    for token in tokens {
        if let Some(before) = before {
            if before.start == token.start {
                continue;
            }
            let gap = &text[before.end.min(token.start)..token.start];
            if gap.chars().any(belongs) {
                out.push(' ');
            } else {
                out.extend(gap.chars().map(|c| if c.is_control() { ' ' } else { c }));
            }
        }
        out.push_str(&text[token.start..token.end]);
        before = Some(token);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        cut(text).into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn words_keep_the_signs_inside_them_only() {
        for (text, expected) in [
            ("Start a backup.", vec!["start", "a", "backup"]),
            ("John.Doe@Example.com, please", vec!["john.doe@example.com", "please"]),
            ("don’t... ever!", vec!["don't", "ever"]),
            ("(+45 12-34)", vec!["+45", "12-34"]),
            ("1,000 leads,10", vec!["1,000", "leads", "10"]),
            ("a,b", vec!["a", "b"]),
            ("🚫backup", vec!["🚫", "backup"]),
            (" \u{0}-- '' ", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn pauses_stand_in_front_of_words() {
        let pauses: Vec<Pause> = cut("a, b. c d").into_iter().map(|token| token.pause).collect();
        assert_eq!(pauses, [Pause::None, Pause::Comma, Pause::Stop, Pause::None]);
    }

    #[test]
    fn a_text_comes_out_as_written() {
        let text = "wants  a demo,\n uh  soon";
        let mut tokens = cut(text);
        tokens.remove(3);
        assert_eq!(written(text, &tokens), "wants a demo soon");
        assert_eq!(written(text, &cut(text)), "wants a demo, uh soon");
    }
}
