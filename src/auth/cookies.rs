//! Browsers that are signed in: a cookie that stands for a verified token (contract D-29).
//!
//! A cookie's value is a random id and nothing else. Only its hash is kept, so that whoever reads
//! this memory can sign in as nobody. A sign-in ends with its token; what has ended is dropped when
//! the next question is asked, so no timer is needed and nothing expired is ever found.
//!
//! Whoever ends a sign-in before its time must dismiss its sockets: every answer names those that
//! ended. So a socket never outlives a sign-in that nobody can end any more, unless it has shown a token
//! since: then it ends with that.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::domain::Ambient;
use crate::domain::id::Id;
use crate::domain::identity::{Identity, SignIn};
use crate::domain::time::Timestamp;

/// The cookie's name.
pub const NAME: &str = "ws_session";

/// Sign-ins of one bearer at a time: a few browsers on a few devices. With one more, the one whose
/// cookie was set longest ago ends.
const OF_A_BEARER: usize = 8;
/// Sign-ins of all bearers: twice the connections a server has by default, some 20 MB with ordinary
/// claims (and a token has 8 KiB at most). With one more, the one that would expire first ends.
const OF_ALL: usize = 20_000;

/// Who is signed in by which cookie.
pub struct CookieSessions {
    ambient: Ambient,
    book: Mutex<Book>,
}

/// A cookie to be set.
#[derive(Debug)]
pub struct Opened {
    pub value: String,
    /// Seconds for which it is good.
    pub max_age: u64,
    /// Sign-ins that ended for it. Their sockets are to be dismissed.
    pub ended: Vec<SignIn>,
}

type Hash = [u8; 32];
/// The organization and the user.
type Bearer = (Option<Id>, Option<Id>);

#[derive(Debug, Default)]
struct Book {
    last: u64,
    open: HashMap<SignIn, Entry>,
    by_hash: HashMap<Hash, SignIn>,
    /// In the order in which their cookies were set.
    by_bearer: HashMap<Bearer, Vec<SignIn>>,
    by_expiry: BTreeSet<(Timestamp, SignIn)>,
}

#[derive(Debug)]
struct Entry {
    hash: Hash,
    identity: Identity,
    expires_at: Timestamp,
}

impl CookieSessions {
    pub fn new(ambient: Ambient) -> CookieSessions {
        CookieSessions { ambient, book: Mutex::default() }
    }

    /// Signs in the bearer of a verified token. `shown` are the cookies that came with it: the same
    /// bearer's sign-in goes on under the new cookie, sockets included; another's ends, because its
    /// cookie is about to be overwritten.
    pub fn open(&self, identity: Identity, shown: &[String]) -> Opened {
        let value = self.ambient.random.token::<24>();
        let now = self.ambient.clock.wall();
        // A token always says when it expires; what does not is good for nothing.
        let expires_at = identity.expires_at.unwrap_or(now);
        let (mut ended, mut renewed) = (Vec::new(), None);
        let mut book = self.book(now);
        for sign_in in shown.iter().filter_map(|value| book.find(value)).collect::<BTreeSet<_>>() {
            if !book.open[&sign_in].identity.is_same_bearer(&identity) {
                ended.push(sign_in);
            } else if renewed.is_none() {
                renewed = Some(sign_in);
                book.remove(sign_in);
            }
        }
        ended.iter().for_each(|sign_in| book.remove(*sign_in));
        ended.extend(book.make_room(&bearer(&identity)));
        let sign_in = renewed.unwrap_or_else(|| book.next());
        let identity = Identity { sign_in: Some(sign_in), ..identity };
        book.insert(sign_in, Entry { hash: hash(&value), identity, expires_at });
        let max_age = now.until(expires_at).as_millis().div_ceil(1000);
        Opened { value, max_age: u64::try_from(max_age).unwrap_or(u64::MAX), ended }
    }

    /// Who is signed in by this cookie.
    pub fn find(&self, value: &str) -> Option<Identity> {
        let book = self.book(self.ambient.clock.wall());
        let sign_in = book.find(value)?;
        Some(book.open[&sign_in].identity.clone())
    }

    /// Ends the sign-in of this cookie, if there is one. Its sockets are to be dismissed.
    pub fn close(&self, value: &str) -> Option<SignIn> {
        let mut book = self.book(self.ambient.clock.wall());
        let sign_in = book.find(value)?;
        book.remove(sign_in);
        Some(sign_in)
    }

    /// Whether the sign-in behind `identity` has not ended; true where there is none behind it.
    pub fn stands(&self, identity: &Identity) -> bool {
        identity.sign_in.is_none_or(|own| self.book(self.ambient.clock.wall()).open.contains_key(&own))
    }

    /// The book without what has expired by `now`.
    fn book(&self, now: Timestamp) -> MutexGuard<'_, Book> {
        // Nothing in here panics half way.
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((_, expired)) = book.by_expiry.first().copied().filter(|(at, _)| *at <= now) {
            book.remove(expired);
        }
        book
    }
}

impl Book {
    fn find(&self, value: &str) -> Option<SignIn> {
        self.by_hash.get(&hash(value)).copied()
    }

    fn next(&mut self) -> SignIn {
        self.last += 1;
        SignIn(self.last)
    }

    /// Makes room for one more of `bearer`. Gives which ended for it.
    fn make_room(&mut self, bearer: &Bearer) -> Option<SignIn> {
        let own = self.by_bearer.get(bearer).filter(|own| own.len() >= OF_A_BEARER);
        let oldest = own.and_then(|own| own.first().copied());
        let goes = oldest.or_else(|| match self.open.len() {
            OF_ALL.. => self.by_expiry.first().map(|(_, sign_in)| *sign_in),
            _ => None,
        })?;
        self.remove(goes);
        Some(goes)
    }

    fn insert(&mut self, sign_in: SignIn, entry: Entry) {
        self.by_hash.insert(entry.hash, sign_in);
        self.by_bearer.entry(bearer(&entry.identity)).or_default().push(sign_in);
        self.by_expiry.insert((entry.expires_at, sign_in));
        self.open.insert(sign_in, entry);
    }

    fn remove(&mut self, sign_in: SignIn) {
        let Some(entry) = self.open.remove(&sign_in) else { return };
        self.by_hash.remove(&entry.hash);
        self.by_expiry.remove(&(entry.expires_at, sign_in));
        let bearer = bearer(&entry.identity);
        if let Some(own) = self.by_bearer.get_mut(&bearer) {
            own.retain(|other| *other != sign_in);
            if own.is_empty() {
                self.by_bearer.remove(&bearer);
            }
        }
    }
}

fn bearer(identity: &Identity) -> Bearer {
    (identity.organization.clone(), identity.user.clone())
}

fn hash(value: &str) -> Hash {
    Sha256::digest(value.as_bytes()).into()
}

/// The values of our cookie in one `Cookie` header, of which there may be several.
pub fn values(header: &str) -> impl Iterator<Item = &str> {
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value.trim_matches('"'))
}

/// The `Set-Cookie` header: out of reach of scripts and of other sites' forms; `is_secure` keeps it
/// off unencrypted connections. No seconds clear it.
pub fn set(value: &str, max_age: u64, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{NAME}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={max_age}{secure}")
}

#[cfg(test)]
#[path = "cookies_tests.rs"]
mod tests;
