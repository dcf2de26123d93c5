//! Text that clients give and others are shown.

/// Longest name of a user, in characters.
const MAX_NAME: usize = 128;

/// A name as others may see it: on one line, of bounded length; `None` if nothing of it is left.
pub fn name(given: &str) -> Option<String> {
    let shown: String = given.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    let shown = shown.trim();
    (!shown.is_empty()).then(|| shown.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_something() {
        assert_eq!(name(" Ann\u{7}\nB ").as_deref(), Some("AnnB"));
        assert_eq!(name(" \u{0}\t"), None);
        assert_eq!(name(&"ü".repeat(500)).map(|name| name.chars().count()), Some(MAX_NAME));
    }
}
