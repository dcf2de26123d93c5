//! What a subscriber of alerts wants to hear of (contract D-48).

/// How bad it is, mildest first. The guides name no list, so the words in use are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// `None` for a word that is not ranked.
    pub fn find(word: &str) -> Option<Severity> {
        Some(match word.to_ascii_lowercase().as_str() {
            "info" | "debug" => Severity::Info,
            "low" | "minor" => Severity::Low,
            "medium" | "warning" | "warn" | "moderate" => Severity::Medium,
            "high" | "major" | "error" => Severity::High,
            "critical" | "urgent" | "fatal" | "emergency" => Severity::Critical,
            _ => return None,
        })
    }
}

/// What thins the alerts of one subscription: all given conditions must hold, within a list any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AlertFilter {
    pub min_severity: Option<Severity>,
    /// Sorted, without copies, as are `statuses`.
    pub sources: Option<Vec<String>>,
    pub statuses: Option<Vec<String>>,
}

/// What an alert says of itself, as far as filters look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alert {
    pub severity: Option<Severity>,
    pub source: Option<String>,
    pub status: Option<String>,
}

impl AlertFilter {
    /// Whether everything passes.
    pub fn is_open(&self) -> bool {
        *self == AlertFilter::default()
    }

    /// Bytes that it holds, about.
    pub fn size(&self) -> usize {
        let words = self.sources.iter().chain(&self.statuses).flatten();
        size_of::<AlertFilter>() + words.map(|word| size_of::<String>() + word.len()).sum::<usize>()
    }

    /// An alert without a ranked severity passes: what cannot be judged is not kept back. One without
    /// a source or a status is from none of those listed.
    pub fn admits(&self, alert: &Alert) -> bool {
        let is_bad_enough = match (self.min_severity, alert.severity) {
            (Some(least), Some(severity)) => severity >= least,
            _ => true,
        };
        is_bad_enough && lists(&self.sources, &alert.source) && lists(&self.statuses, &alert.status)
    }
}

fn lists(listed: &Option<Vec<String>>, word: &Option<String>) -> bool {
    listed.as_ref().is_none_or(|listed| word.as_ref().is_some_and(|word| listed.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_must_hold_and_within_a_list_any() {
        let ids = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        let filter = |least, sources: &[&str], statuses: &[&str]| AlertFilter {
            min_severity: Severity::find(least),
            sources: (!sources.is_empty()).then(|| ids(sources)).flatten(),
            statuses: (!statuses.is_empty()).then(|| ids(statuses)).flatten(),
        };
        let alert = |severity, source: &str, status: &str| Alert {
            severity: Severity::find(severity),
            source: (!source.is_empty()).then(|| source.to_owned()),
            status: (!status.is_empty()).then(|| status.to_owned()),
        };
        let table = [
            (filter("", &[], &[]), alert("info", "", ""), true),
            (filter("high", &[], &[]), alert("critical", "", ""), true),
            (filter("high", &[], &[]), alert("HIGH", "", ""), true),
            (filter("high", &[], &[]), alert("warning", "", ""), false),
            (filter("high", &[], &[]), alert("purple", "", ""), true),
            (filter("", &["a", "b"], &[]), alert("low", "b", ""), true),
            (filter("", &["a", "b"], &[]), alert("low", "c", ""), false),
            (filter("", &["a"], &[]), alert("low", "", ""), false),
            (filter("low", &["a"], &["open"]), alert("low", "a", "open"), true),
            (filter("low", &["a"], &["open"]), alert("low", "a", "closed"), false),
        ];
        for (filter, alert, passes) in table {
            assert_eq!(filter.admits(&alert), passes, "{filter:?} {alert:?}");
        }
    }
}
