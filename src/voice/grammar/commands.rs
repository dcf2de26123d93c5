//! The six commands as the grammar knows them: their slots, and whether they change anything.
//!
//! In code and not in the file of phrases, because nobody who edits phrases may turn a command
//! with an effect into one that is run on a guess.

/// What may be said for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of the values listed in the file of phrases.
    Choice,
    /// One of the listed values, or any word after a cue.
    OpenChoice,
    /// A listed span of time. Unlike other choices it ends a free text.
    Span,
    /// A count, see [`LIMIT`].
    Number,
    Name,
    Company,
    /// What is searched for.
    Query,
    /// Everything to the end.
    Notes,
    Email,
    Phone,
}

/// How many leads may be asked for (contract, section 8, `GET /leads`).
pub const LIMIT: std::ops::RangeInclusive<u64> = 1..=1000;

#[derive(Debug)]
pub struct Slot {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
}

#[derive(Debug)]
pub struct Command {
    pub name: &'static str,
    /// Whether running it changes anything. Such a command is understood without any doubt or not
    /// at all.
    pub has_effect: bool,
    pub slots: &'static [Slot],
}

const fn may(name: &'static str, kind: Kind) -> Slot {
    Slot { name, kind, required: false }
}

const fn must(name: &'static str, kind: Kind) -> Slot {
    Slot { name, kind, required: true }
}

const fn reads(name: &'static str, slots: &'static [Slot]) -> Command {
    Command { name, has_effect: false, slots }
}

const fn acts(name: &'static str, slots: &'static [Slot]) -> Command {
    Command { name, has_effect: true, slots }
}

/// Guide 000, "Supported Voice Commands", in its order.
#[rustfmt::skip]
pub const COMMANDS: &[Command] = &[
    reads("get_leads", &[may("status", Kind::Choice), may("limit", Kind::Number), may("source", Kind::OpenChoice)]),
    acts("create_lead", &[must("name", Kind::Name), must("email", Kind::Email), may("company", Kind::Company), may("phone", Kind::Phone), may("notes", Kind::Notes)]),
    reads("search_leads", &[must("query", Kind::Query), may("status", Kind::Choice), may("date_range", Kind::Span)]),
    reads("get_metrics", &[may("metric_type", Kind::Choice), may("period", Kind::Span)]),
    acts("start_backup", &[may("backup_type", Kind::Choice), may("priority", Kind::Choice)]),
    reads("compliance_check", &[may("check_type", Kind::Choice), may("severity", Kind::Choice)]),
];

impl Command {
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.slots.iter().position(|slot| slot.name == name)
    }

    /// The slot of a kind, of which a command has at most one.
    pub fn slot_of(&self, kind: Kind) -> Option<usize> {
        self.slots.iter().position(|slot| slot.kind == kind)
    }
}

impl Kind {
    /// Whether its values are listed in the file of phrases.
    pub fn is_listed(self) -> bool {
        matches!(self, Kind::Choice | Kind::OpenChoice | Kind::Span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_one_slot_of_each_kind_that_is_recognised_by_its_kind() {
        for command in COMMANDS {
            for kind in [Kind::Number, Kind::Name, Kind::Query, Kind::Notes, Kind::Email, Kind::Phone] {
                assert!(command.slots.iter().filter(|slot| slot.kind == kind).count() <= 1);
            }
        }
    }

    #[test]
    fn what_changes_anything_is_known_to() {
        let acting: Vec<&str> = COMMANDS.iter().filter(|row| row.has_effect).map(|row| row.name).collect();
        assert_eq!(acting, ["create_lead", "start_backup"]);
    }
}
