use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::ambient;
use crate::domain::identity::Trust;
use crate::domain::time::{Clock, Moment, Sleep};

/// A wall clock that stands where it is put, in seconds.
#[derive(Default)]
struct Standing(AtomicI64);

impl Clock for Standing {
    fn now(&self) -> Moment {
        Moment::START
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed) * 1000)
    }

    fn sleep_until(&self, _: Moment) -> Sleep {
        Box::pin(std::future::pending())
    }
}

fn sessions() -> (CookieSessions, Arc<Standing>) {
    let clock = Arc::new(Standing::default());
    (CookieSessions::new(Ambient { clock: clock.clone(), ..ambient::system() }), clock)
}

fn user(name: &str, expires_at: i64) -> Identity {
    Identity {
        trust: Trust::Verified,
        user: Id::parse(name),
        expires_at: Some(Timestamp::from_secs(expires_at)),
        ..(*Identity::anonymous()).clone()
    }
}

/// Nothing is left of anything in any of the maps.
fn is_bare(sessions: &CookieSessions) -> bool {
    let book = sessions.book.lock().unwrap();
    book.open.is_empty() && book.by_hash.is_empty() && book.by_bearer.is_empty() && book.by_expiry.is_empty()
}

#[test]
fn a_cookie_stands_for_its_bearer_until_it_is_closed() {
    let (sessions, _) = sessions();
    let cookie = sessions.open(user("ann", 100), &[]);
    let found = sessions.find(&cookie.value).unwrap();
    let expected = Identity { sign_in: found.sign_in, ..user("ann", 100) };
    assert!(found == expected && found.sign_in.is_some() && sessions.stands(&found));

    assert_eq!(sessions.close(&cookie.value), found.sign_in);
    assert!(sessions.find(&cookie.value).is_none() && !sessions.stands(&found));
    assert_eq!(sessions.close(&cookie.value), None);
    assert!(is_bare(&sessions));
}

#[test]
fn only_the_hash_of_a_cookie_is_kept() {
    let (sessions, _) = sessions();
    let Opened { value, .. } = sessions.open(user("ann", 100), &[]);
    // 24 bytes in base64: more than 128 bits.
    assert_eq!(value.len(), 32);
    let book = sessions.book.lock().unwrap();
    let hash: Hash = Sha256::digest(&value).into();
    assert_eq!(book.by_hash.keys().collect::<Vec<_>>(), [&hash]);
    assert!(!format!("{book:?}").contains(&value));
}

#[test]
fn what_is_no_cookie_of_ours_finds_nobody() {
    let (sessions, _) = sessions();
    let Opened { value, .. } = sessions.open(user("ann", 100), &[]);
    for forged in ["", "1", &value[1..], &value.to_lowercase(), &format!("{value} "), &"x".repeat(9000)] {
        assert!(sessions.find(forged).is_none() && sessions.close(forged).is_none(), "{forged}");
    }
    assert!(sessions.find(&value).is_some());
}

#[test]
fn a_sign_in_ends_with_its_token_and_leaves_nothing() {
    let (sessions, clock) = sessions();
    let cookie = sessions.open(user("ann", 100), &[]);
    assert_eq!(cookie.max_age, 100);
    let ann = sessions.find(&cookie.value).unwrap();
    clock.0.store(99, Ordering::Relaxed);
    assert!(sessions.stands(&ann));
    clock.0.store(100, Ordering::Relaxed);
    assert!(!sessions.stands(&ann) && sessions.find(&cookie.value).is_none());
    assert!(is_bare(&sessions));
}

#[test]
fn the_same_bearer_s_sign_in_goes_on_under_a_new_cookie() {
    let (sessions, clock) = sessions();
    let first = sessions.open(user("ann", 100), &[]);
    let before = sessions.find(&first.value).unwrap();
    let second = sessions.open(user("ann", 200), &["stale".to_owned(), first.value.clone()]);
    assert!(second.ended.is_empty() && sessions.find(&first.value).is_none());
    assert_eq!(sessions.find(&second.value).unwrap().sign_in, before.sign_in);
    clock.0.store(150, Ordering::Relaxed);
    assert!(sessions.stands(&before), "it is good for as long as the new token");
}

#[test]
fn another_bearer_s_sign_in_ends_where_its_cookie_is_overwritten() {
    let (sessions, _) = sessions();
    let first = sessions.open(user("ann", 100), &[]);
    let ann = sessions.find(&first.value).unwrap();
    let second = sessions.open(user("bob", 100), &[first.value]);
    assert_eq!(second.ended, [ann.sign_in.unwrap()]);
    assert!(!sessions.stands(&ann));
    assert_eq!(sessions.find(&second.value).unwrap().user, Id::parse("bob"));
}

#[test]
fn a_bearer_s_oldest_sign_in_ends_for_one_too_many() {
    let (sessions, _) = sessions();
    let other = sessions.open(user("bob", 100), &[]);
    let of_org = Identity { organization: Id::parse("o"), ..user("ann", 100) };
    let of_org = sessions.open(of_org, &[]);
    let mut cookies: Vec<String> = (0..OF_A_BEARER as i64)
        .map(|n| sessions.open(user("ann", 100 + n), &[]))
        .map(|opened| (assert!(opened.ended.is_empty()), opened.value).1)
        .collect();
    // Renewed, the first is no longer the oldest.
    cookies[0] = sessions.open(user("ann", 100), &cookies[..1]).value;
    let oldest = sessions.find(&cookies[1]).unwrap().sign_in.unwrap();
    assert_eq!(sessions.open(user("ann", 100), &[]).ended, [oldest]);
    assert!(sessions.find(&cookies[1]).is_none() && sessions.find(&cookies[0]).is_some());
    assert!(sessions.find(&other.value).is_some() && sessions.find(&of_org.value).is_some());
}

#[test]
fn there_are_never_more_than_so_many() {
    let (sessions, _) = sessions();
    let soon = sessions.open(user("soon", 50), &[]);
    let gone = sessions.find(&soon.value).unwrap().sign_in.unwrap();
    for n in 1..OF_ALL {
        assert!(sessions.open(user(&format!("u{n}"), 100), &[]).ended.is_empty());
    }
    assert_eq!(sessions.open(user("ann", 100), &[]).ended, [gone]);
    let book = sessions.book.lock().unwrap();
    let sizes = [book.open.len(), book.by_hash.len(), book.by_bearer.len(), book.by_expiry.len()];
    assert_eq!(sizes, [OF_ALL; 4]);
}

#[test]
fn our_cookie_is_found_among_others() {
    let table: [(&str, &[&str]); 9] = [
        ("ws_session=a", &["a"]),
        ("x=1; ws_session=a; y=2", &["a"]),
        ("ws_session=a;ws_session=b", &["a", "b"]),
        ("ws_session=\"a\"", &["a"]),
        ("ws_session=", &[""]),
        ("ws_session=a=b", &["a=b"]),
        ("xws_session=a; WS_SESSION=b; ws_session2=c; ws_session", &[]),
        ("", &[]),
        (";;=;", &[]),
    ];
    for (header, expected) in table {
        assert_eq!(values(header).collect::<Vec<_>>(), expected, "{header}");
    }
}

#[test]
fn a_cookie_is_set_out_of_reach_and_in_production_for_https_only() {
    let plain = "ws_session=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=9";
    assert_eq!(set("v", 9, false), plain);
    assert_eq!(set("v", 9, true), format!("{plain}; Secure"));
}
