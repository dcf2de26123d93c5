//! Guide 004's channels: what is subscribed to, in which part of an organization, and which
//! subscriptions a target reaches (contract X-14).
//!
//! A channel in a scope is a room: `kpi:org:acme:dept:sales:queue:support`. A subscription reaches
//! down, never up: who follows a department gets its queues, and not what is for the whole
//! organization.

use super::id::Id;
use super::room::Room;

/// What one can subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    Kpi,
    Backlog,
    Attendance,
    Alerts,
    Notifications,
    /// Every other one.
    All,
}

impl Channel {
    pub const ALL: [Channel; 6] = [
        Channel::Kpi,
        Channel::Backlog,
        Channel::Attendance,
        Channel::Alerts,
        Channel::Notifications,
        Channel::All,
    ];

    pub fn find(name: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// Whether alerts are among what it brings.
    pub fn has_alerts(self) -> bool {
        matches!(self, Channel::Alerts | Channel::All)
    }

    pub fn name(self) -> &'static str {
        match self {
            Channel::Kpi => "kpi",
            Channel::Backlog => "backlog",
            Channel::Attendance => "attendance",
            Channel::Alerts => "alerts",
            Channel::Notifications => "notifications",
            Channel::All => "all",
        }
    }
}

/// A part of an organization: all of it, a department, a queue, or a queue of a department.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub organization: Id,
    pub department: Option<Id>,
    pub queue: Option<Id>,
}

impl Scope {
    /// `None` if an id would forge a deeper level: `a:dept:b` is no organization.
    pub fn new(organization: Id, department: Option<Id>, queue: Option<Id>) -> Option<Scope> {
        let ids = [Some(&organization), department.as_ref(), queue.as_ref()];
        let is_sound = ids.into_iter().flatten().all(|id| is_segment(id.as_str()));
        is_sound.then_some(Scope { organization, department, queue })
    }

    pub fn organization(id: Id) -> Option<Scope> {
        Scope::new(id, None, None)
    }

    /// Reads `org:{org}[:dept:{dept}][:queue:{queue}]`.
    pub fn parse(path: &str) -> Option<Scope> {
        let rest = path.strip_prefix("org:")?;
        let (rest, queue) = split_off(rest, ":queue:");
        let (organization, department) = split_off(rest, ":dept:");
        let id = |text: Option<&str>| match text {
            Some(text) => Id::parse(text).map(Some),
            None => Some(None),
        };
        Scope::new(Id::parse(organization)?, id(department)?, id(queue)?)
    }

    /// Whether a department or a queue is named.
    pub fn is_narrowed(&self) -> bool {
        self.department.is_some() || self.queue.is_some()
    }

    /// The room of `channel` in this scope. `None` if its name would be too long.
    pub fn room(&self, channel: Channel) -> Option<Room> {
        Room::parse(&format!("{}:{self}", channel.name()))
    }

    /// The scopes whose subscribers get what is for this one, the closest first. Those that name the
    /// queue and a department where this one names no department are not in the list: see
    /// [`Scope::without_department`].
    pub fn reached_from(&self) -> Vec<Scope> {
        let with = |department: &Option<Id>, queue: &Option<Id>| Scope {
            organization: self.organization.clone(),
            department: department.clone(),
            queue: queue.clone(),
        };
        let mut scopes = vec![self.clone()];
        if self.department.is_some() && self.queue.is_some() {
            scopes.push(with(&None, &self.queue));
            scopes.push(with(&self.department, &None));
        }
        if self.is_narrowed() {
            scopes.push(with(&None, &None));
        }
        scopes
    }

    /// The same queue of whatever department. A target that names a queue and no department reaches
    /// the queue's subscribers in every department.
    pub fn without_department(&self) -> Option<Scope> {
        let is_both = self.department.is_some() && self.queue.is_some();
        is_both.then(|| Scope { department: None, ..self.clone() })
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "org:{}", self.organization)?;
        if let Some(department) = &self.department {
            write!(f, ":dept:{department}")?;
        }
        if let Some(queue) = &self.queue {
            write!(f, ":queue:{queue}")?;
        }
        Ok(())
    }
}

fn split_off<'a>(text: &'a str, keyword: &str) -> (&'a str, Option<&'a str>) {
    match text.split_once(keyword) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}

/// Ids may hold colons, but no part of one may be a keyword.
fn is_segment(id: &str) -> bool {
    !id.split(':').any(|part| matches!(part, "org" | "dept" | "queue"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(path: &str) -> Scope {
        Scope::parse(path).unwrap_or_else(|| panic!("{path} is a scope"))
    }

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for path in ["org:o", "org:o:dept:d", "org:o:queue:q", "org:a:b:dept:c:d:queue:e"] {
            assert_eq!(scope(path).to_string(), path);
        }
        let deep = scope("org:o:dept:d:queue:q");
        assert_eq!(deep.department, Id::parse("d"));
        assert_eq!(deep.queue, Id::parse("q"));
    }

    #[test]
    fn no_id_forges_a_deeper_level() {
        for path in [
            "o",
            "org:",
            "org:o:dept:",
            "org:o:queue:q:dept:d",
            "org:a:dept:b:dept:c",
            "org:a:org:b",
            "org:dept",
            "org:../",
        ] {
            assert_eq!(Scope::parse(path), None, "{path}");
        }
        let id = |text| Id::parse(text).unwrap();
        assert_eq!(Scope::organization(id("a:dept:b")), None);
        assert_eq!(Scope::new(id("a"), Some(id("b:queue:c")), None), None);
    }

    #[test]
    fn a_target_reaches_the_subscribers_above_it() {
        let table: [(&str, &[&str]); 4] = [
            ("org:o", &["org:o"]),
            ("org:o:dept:d", &["org:o:dept:d", "org:o"]),
            ("org:o:queue:q", &["org:o:queue:q", "org:o"]),
            ("org:o:dept:d:queue:q", &["org:o:dept:d:queue:q", "org:o:queue:q", "org:o:dept:d", "org:o"]),
        ];
        for (target, expected) in table {
            let reached: Vec<String> = scope(target).reached_from().iter().map(Scope::to_string).collect();
            assert_eq!(reached, expected, "{target}");
        }
    }

    #[test]
    fn only_a_queue_of_a_department_can_lose_its_department() {
        assert_eq!(scope("org:o:dept:d:queue:q").without_department(), Some(scope("org:o:queue:q")));
        for path in ["org:o", "org:o:dept:d", "org:o:queue:q"] {
            assert_eq!(scope(path).without_department(), None, "{path}");
        }
    }

    #[test]
    fn a_room_too_long_to_name_is_none() {
        let id = Id::parse(&"x".repeat(100)).unwrap();
        let long = Scope::new(id.clone(), Some(id), None).unwrap();
        assert!(long.room(Channel::Kpi).is_none());
        assert_eq!(scope("org:o").room(Channel::All).unwrap().name(), "all:org:o");
    }
}
