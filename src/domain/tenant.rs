//! Whose key a connection shows, and what that key may do.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::id::Id;

/// A customer of the voice guide (contract D-01, X-17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: Id,
    /// What the tenant is called, if it was given a name.
    pub name: Option<Arc<str>>,
    /// The organization whose rooms the tenant shares.
    pub organization: Option<Id>,
    /// Limits of the tenant's own; `None` leaves those that hold for everyone.
    pub max_connections: Option<usize>,
    pub messages_per_second: Option<NonZeroU32>,
}

/// What a key may do: everything, or what a list names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions(
    /// Sorted, without repetition. `None` is everything.
    Option<Box<[Box<str>]>>,
);

/// Most names of a list.
pub const MAX_PERMISSIONS: usize = 100;
/// Longest name, in bytes.
pub const MAX_PERMISSION: usize = 64;

impl Permissions {
    pub const ALL: Permissions = Permissions(None);

    /// Permits what is named and nothing else; `None` if a name or the list is too long.
    pub fn only<I: IntoIterator<Item: AsRef<str>>>(names: I) -> Option<Permissions> {
        let mut list: Vec<Box<str>> = Vec::new();
        for name in names {
            let name = name.as_ref();
            if list.len() == MAX_PERMISSIONS || name.len() > MAX_PERMISSION {
                return None;
            }
            list.push(name.into());
        }
        list.sort_unstable();
        list.dedup();
        Some(Permissions(Some(list.into())))
    }

    /// What is permitted, sorted; `None` is everything.
    pub fn names(&self) -> Option<Vec<&str>> {
        self.0.as_deref().map(|names| names.iter().map(|name| &**name).collect())
    }

    pub fn allows(&self, name: &str) -> bool {
        self.0.as_deref().is_none_or(|list| list.binary_search_by(|item| (**item).cmp(name)).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_permits_what_it_names_and_nothing_else() {
        let some = Permissions::only(["search_leads", "get_leads", "get_leads"]).unwrap();
        assert!(some.allows("get_leads") && some.allows("search_leads"));
        for other in ["", "get", "get_lead", "get_leads2", "GET_LEADS", "create_lead"] {
            assert!(!some.allows(other), "{other}");
        }
        assert_eq!(Permissions::only(["get_leads", "search_leads"]).unwrap(), some);
    }

    #[test]
    fn an_empty_list_permits_nothing_and_no_list_everything() {
        let nothing = Permissions::only([] as [&str; 0]).unwrap();
        assert!(!nothing.allows("get_leads") && !nothing.allows(""));
        assert!(Permissions::ALL.allows("get_leads"));
    }

    #[test]
    fn a_list_is_bounded() {
        let names = |count: usize| (0..count).map(|number| format!("p{number}"));
        assert!(Permissions::only(names(MAX_PERMISSIONS)).is_some());
        assert!(Permissions::only(names(MAX_PERMISSIONS + 1)).is_none());
        assert!(Permissions::only(["x".repeat(MAX_PERMISSION)]).is_some());
        assert!(Permissions::only(["x".repeat(MAX_PERMISSION + 1)]).is_none());
    }
}
