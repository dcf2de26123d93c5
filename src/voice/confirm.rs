//! Commands that must be asked for twice: `confirmToken` (contract D-21).
//!
//! A token is good once, for five minutes, for one command with the same parameters of the same tenant. Only
//! its hash is kept, and in memory: after a restart one confirms anew.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::domain::id::Id;
use crate::domain::random::Random;
use crate::domain::time::Timestamp;
use crate::events::payload::leads::Confirm;

const LIFE: Duration = Duration::from_secs(5 * 60);
/// Tokens of one tenant; then its oldest ends.
const MOST: usize = 1000;

type Hash = [u8; 32];

/// Which commands need a token, and the tokens that were given and not used yet.
pub struct Confirmations {
    commands: Vec<String>,
    /// By tenant, the oldest first. A tenant without any is not held.
    given: HashMap<Id, VecDeque<Given>>,
}

struct Given {
    token: Hash,
    /// What is to be done, by its hash.
    what: Hash,
    expires_at: Timestamp,
}

impl Confirmations {
    pub fn of(commands: Vec<String>) -> Confirmations {
        Confirmations { commands, given: HashMap::new() }
    }

    /// Whether the command may be run: it needs no token, or `token` is the one for it, which is used up.
    ///
    /// # Errors
    /// The token that is needed.
    pub fn admit(
        &mut self,
        tenant: &Id,
        command: &str,
        body: &[u8],
        token: Option<&str>,
        (random, now): (&dyn Random, Timestamp),
    ) -> Result<(), Confirm> {
        if !self.commands.iter().any(|name| name == command) {
            return Ok(());
        }
        let what = hash(&[command.as_bytes(), body]);
        let given = self.given.entry(tenant.clone()).or_default();
        given.retain(|own| own.expires_at > now);
        // What is compared are hashes: the time it takes tells nothing of a token.
        let wanted = token.map(|token| hash(&[token.as_bytes()]));
        let fits = |own: &Given| Some(own.token) == wanted && own.what == what;
        if let Some(index) = given.iter().position(fits) {
            given.remove(index);
            if given.is_empty() {
                self.given.remove(tenant);
            }
            return Ok(());
        }
        if given.len() >= MOST {
            given.pop_front();
        }
        let (token, expires_at) = (random.token::<24>(), now + LIFE);
        given.push_back(Given { token: hash(&[token.as_bytes()]), what, expires_at });
        Err(Confirm { token, expires_at })
    }
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut sha = Sha256::new();
    for part in parts {
        // A length in front: no part can lend bytes to its neighbour.
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// Another number each time.
    struct Counting(AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    struct Asking {
        confirmations: Confirmations,
        random: Counting,
    }

    impl Asking {
        fn ask(
            &mut self,
            who: &str,
            what: (&str, &str),
            token: Option<&str>,
            at: u64,
        ) -> Result<(), Confirm> {
            let now = Timestamp::from_millis(0) + Duration::from_secs(at);
            let tenant = Id::parse(who).unwrap();
            self.confirmations.admit(&tenant, what.0, what.1.as_bytes(), token, (&self.random, now))
        }
    }

    fn asking() -> Asking {
        let confirmations = Confirmations::of(vec!["start_backup".into(), "create_lead".into()]);
        Asking { confirmations, random: Counting(AtomicU8::new(0)) }
    }

    #[test]
    fn a_command_that_is_not_named_needs_no_token() {
        assert_eq!(asking().ask("t", ("get_leads", "{}"), None, 0), Ok(()));
    }

    #[test]
    fn a_token_is_good_once_and_for_what_it_was_given() {
        let mut asking = asking();
        let what = ("create_lead", "{}");
        let Confirm { token, expires_at } = asking.ask("t", what, None, 0).unwrap_err();
        assert_eq!(expires_at, Timestamp::from_secs(300));
        let token = Some(token.as_str());
        for (who, what, token) in [
            ("u", what, token),
            ("t", ("start_backup", "{}"), token),
            ("t", ("create_lead", "{1}"), token),
            ("t", what, Some("")),
            ("t", what, None),
        ] {
            assert!(asking.ask(who, what, token, 1).is_err(), "{who} {what:?} {token:?}");
        }
        assert_eq!(asking.ask("t", what, token, 1), Ok(()));
        assert!(asking.ask("t", what, token, 1).is_err(), "a second time");
    }

    #[test]
    fn a_token_expires() {
        let mut asking = asking();
        let Confirm { token, .. } = asking.ask("t", ("create_lead", ""), None, 0).unwrap_err();
        assert!(asking.ask("t", ("create_lead", ""), Some(&token), 300).is_err());
        let Confirm { token, .. } = asking.ask("t", ("create_lead", ""), None, 0).unwrap_err();
        assert!(asking.ask("t", ("create_lead", ""), Some(&token), 299).is_ok());
    }

    #[test]
    fn what_is_held_for_a_tenant_is_bounded() {
        let mut asking = asking();
        for _ in 0..MOST + 5 {
            asking.ask("t", ("create_lead", ""), None, 0).unwrap_err();
        }
        assert_eq!(asking.confirmations.given[&Id::parse("t").unwrap()].len(), MOST);
    }
}
