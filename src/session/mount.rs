//! Where clients connect, as a table: each path, what is spoken there, and who answers.
//!
//! The product's engines, namespaces and plain endpoints are rows of it, and so are those of an
//! embedding program, whose [handlers](super::own) answer instead of a profile.
//!
//! ```
//! use switchboard::{Message, Mount, Out, SessionSettings, Settings};
//!
//! let settings = Settings::from_map(&[])?;
//! let echo = |message: Message<'_>, out: &mut Out<'_>| out.send(message);
//! let mount = Mount::websocket("/echo", SessionSettings::of_handlers(&settings), echo);
//! assert_eq!(mount.path(), "/echo");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::SessionSettings;
use super::directory::Directory;
use super::own::{MessageHandler, NamespaceHandler};
use crate::dialect::Namespace;
use crate::domain::profile::Profile;
use crate::proto::socketio::lookup_name;

/// A path where sessions begin: their timings and limits, and what they speak.
pub struct Mount {
    path: String,
    pub settings: SessionSettings,
    pub(super) speaks: Speaks,
    /// The sessions that can be reached here by an Engine.IO sid.
    pub directory: Directory,
}

/// What is spoken below messages, and who answers them.
pub(super) enum Speaks {
    /// A WebSocket without Engine.IO.
    Plain(Endpoint),
    /// Engine.IO without Socket.IO.
    Engine(Arc<dyn MessageHandler>),
    SocketIo(Vec<Place>),
}

/// Who answers on a plain WebSocket.
pub(super) enum Endpoint {
    Profile(Profile),
    Own(Arc<dyn MessageHandler>),
}

/// A namespace of an engine.
pub(super) struct Place {
    name: String,
    pub occupant: Occupant,
}

/// Who answers in a namespace.
pub(super) enum Occupant {
    Profile(Namespace, Profile),
    Own(Arc<dyn NamespaceHandler>),
}

/// A namespace, by its place in the table of its mount.
pub type PlaceNumber = u16;

impl Mount {
    /// Engine.IO whose messages are `handler`'s. Answers with and without a slash at the end.
    pub fn engine(path: &str, settings: SessionSettings, handler: impl MessageHandler) -> Mount {
        Mount::new(path, settings, Speaks::Engine(Arc::new(handler)))
    }

    /// Socket.IO, still without a namespace. Answers with and without a slash at the end.
    pub fn socketio(path: &str, settings: SessionSettings) -> Mount {
        Mount::new(path, settings, Speaks::SocketIo(Vec::new()))
    }

    /// A WebSocket whose messages are `handler`'s. Beside an engine of the same path, an `EIO` in the
    /// query tells whom a request is for.
    pub fn websocket(path: &str, settings: SessionSettings, handler: impl MessageHandler) -> Mount {
        Mount::new(path, settings, Speaks::Plain(Endpoint::Own(Arc::new(handler))))
    }

    /// A WebSocket for the plain clients of a guide.
    pub fn dashboards(path: &str, settings: SessionSettings, profile: Profile) -> Mount {
        Mount::new(path, settings, Speaks::Plain(Endpoint::Profile(profile)))
    }

    /// Adds a namespace to Socket.IO.
    ///
    /// # Panics
    /// On what does not speak Socket.IO: a mistake of the program's own.
    pub fn namespace(self, name: &str, handler: impl NamespaceHandler) -> Mount {
        self.with(Place { name: name.to_owned(), occupant: Occupant::Own(Arc::new(handler)) })
    }

    /// Adds a namespace for a guide's clients to Socket.IO.
    ///
    /// # Panics
    /// As [`Mount::namespace`].
    pub fn profile(self, namespace: Namespace, profile: Profile) -> Mount {
        let occupant = Occupant::Profile(namespace, profile);
        self.with(Place { name: namespace.name().to_owned(), occupant })
    }

    fn new(path: &str, settings: SessionSettings, speaks: Speaks) -> Mount {
        let path = if path == "/" { path } else { path.strip_suffix('/').unwrap_or(path) };
        Mount { path: path.to_owned(), settings, speaks, directory: Directory::default() }
    }

    fn with(mut self, place: Place) -> Mount {
        match &mut self.speaks {
            Speaks::SocketIo(places) => places.push(place),
            _ => panic!("{} has no namespaces: it does not speak Socket.IO", self.path),
        }
        self
    }

    /// Without a slash at the end.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn is_engine(&self) -> bool {
        !matches!(self.speaks, Speaks::Plain(_))
    }

    /// Whether a client beyond the limit can be told so when it connects to a namespace (contract D-14).
    pub fn has_namespaces(&self) -> bool {
        matches!(self.speaks, Speaks::SocketIo(_))
    }

    /// The profile of a plain endpoint that has one.
    pub fn plain_profile(&self) -> Option<Profile> {
        match self.speaks {
            Speaks::Plain(Endpoint::Profile(profile)) => Some(profile),
            _ => None,
        }
    }

    /// Whether some profile is here, for which it counts what the handshake shows.
    pub fn has_profile(&self) -> bool {
        match &self.speaks {
            Speaks::Plain(endpoint) => matches!(endpoint, Endpoint::Profile(_)),
            Speaks::Engine(_) => false,
            Speaks::SocketIo(places) => {
                places.iter().any(|place| matches!(place.occupant, Occupant::Profile(..)))
            }
        }
    }

    /// Whose the messages are, if they are handed on as they come.
    pub(super) fn messages(&self) -> Option<&Arc<dyn MessageHandler>> {
        match &self.speaks {
            Speaks::Engine(own) | Speaks::Plain(Endpoint::Own(own)) => Some(own),
            Speaks::Plain(Endpoint::Profile(_)) | Speaks::SocketIo(_) => None,
        }
    }

    /// The namespace that a client means, however it spells the query behind it.
    pub(super) fn find(&self, spelled: &str) -> Option<PlaceNumber> {
        let name = lookup_name(spelled);
        let number = self.places().iter().position(|place| place.name == name)?;
        PlaceNumber::try_from(number).ok()
    }

    pub(super) fn place(&self, number: PlaceNumber) -> Option<&Place> {
        self.places().get(usize::from(number))
    }

    fn places(&self) -> &[Place] {
        match &self.speaks {
            Speaks::SocketIo(places) => places,
            Speaks::Plain(_) | Speaks::Engine(_) => &[],
        }
    }

    /// What is wrong with it by itself.
    fn fault(&self) -> Option<Fault> {
        let settings = &self.settings;
        if !is_path(&self.path) {
            return Some(Fault::Path);
        }
        if [settings.ping_interval, settings.ping_timeout].iter().any(Duration::is_zero) {
            return Some(Fault::Timings);
        }
        let places = self.places();
        for (index, Place { name, .. }) in places.iter().enumerate() {
            if !is_namespace(name) {
                return Some(Fault::Namespace(name.clone()));
            }
            if places[..index].iter().any(|other| other.name == *name) {
                return Some(Fault::NamespaceTwice(name.clone()));
            }
        }
        None
    }
}

/// A path that a request can name, and nothing that a route would read as a pattern.
fn is_path(path: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let is_whole = path == "/" || path.split('/').skip(1).all(|part| !part.is_empty());
    path.starts_with('/') && is_whole && path.bytes().all(is_allowed)
}

/// A name that stands in a packet as it is, and is what is left of it without a query.
fn is_namespace(name: &str) -> bool {
    let breaks = |byte: u8| matches!(byte, b',' | b'?') || byte.is_ascii_control();
    name.starts_with('/') && !name.bytes().any(breaks)
}

/// What is mounted on one path: an engine, a plain WebSocket, or one of each.
pub struct Door {
    path: String,
    mounts: Vec<Arc<Mount>>,
}

impl Door {
    /// Whom a request is for: an `EIO` in its query tells Engine.IO from a plain WebSocket
    /// (contract W2).
    pub fn mount(&self, has_eio: bool) -> &Arc<Mount> {
        let wanted = self.mounts.iter().find(|mount| mount.is_engine() == has_eio);
        wanted.unwrap_or(&self.mounts[0])
    }

    /// How the path may be written.
    pub fn spellings(&self) -> Vec<String> {
        let slashed = format!("{}/", self.path);
        let has_slashed = self.path != "/" && self.mounts.iter().any(|mount| mount.is_engine());
        [Some(self.path.clone()), has_slashed.then_some(slashed)].into_iter().flatten().collect()
    }
}

/// Everything that is mounted, by path.
#[derive(Default)]
pub struct Mounts(Vec<Arc<Door>>);

impl Mounts {
    /// Puts the mounts together. `is_taken` knows the paths that are somebody else's.
    ///
    /// # Errors
    /// The first mount that cannot be, and why.
    pub fn new(mounts: Vec<Mount>, is_taken: impl Fn(&str) -> bool) -> Result<Mounts, MountError> {
        let mut doors: Vec<Door> = Vec::new();
        for mount in mounts {
            let refuse = |fault| Err(MountError { path: mount.path.clone(), fault });
            if let Some(fault) = mount.fault() {
                return refuse(fault);
            }
            if is_taken(&mount.path) {
                return refuse(Fault::Taken);
            }
            match doors.iter_mut().find(|door| door.path == mount.path) {
                None => doors.push(Door { path: mount.path.clone(), mounts: vec![Arc::new(mount)] }),
                Some(door) if door.mounts.iter().any(|other| other.is_engine() == mount.is_engine()) => {
                    return refuse(Fault::Twice);
                }
                Some(door) => door.mounts.push(Arc::new(mount)),
            }
        }
        Ok(Mounts(doors.into_iter().map(Arc::new).collect()))
    }

    pub fn doors(&self) -> &[Arc<Door>] {
        &self.0
    }

    /// How long a poll is rightly held back at most.
    pub fn longest_poll(&self) -> Duration {
        let mounts = self.0.iter().flat_map(|door| &door.mounts).map(|mount| &mount.settings);
        mounts.map(|settings| settings.ping_interval + settings.ping_timeout).max().unwrap_or_default()
    }
}

/// A mount that cannot be.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("cannot mount `{path}`: {fault}")]
pub struct MountError {
    path: String,
    fault: Fault,
}

#[derive(Debug, Error, PartialEq, Eq)]
enum Fault {
    #[error("a path begins with `/` and holds letters, digits and `-._~/` only")]
    Path,
    #[error("pings need an interval and a timeout above zero")]
    Timings,
    #[error("`{0}` is no name of a namespace")]
    Namespace(String),
    #[error("the namespace `{0}` is mounted twice")]
    NamespaceTwice(String),
    #[error("something of its kind is mounted there already")]
    Twice,
    #[error("the path is the gateway's own")]
    Taken,
}

#[cfg(test)]
mod tests {
    use super::super::own::{Emit, Event, Message, Out};
    use super::*;
    use crate::config::Settings;

    fn settings() -> SessionSettings {
        SessionSettings::of_handlers(&Settings::from_map(&[]).unwrap())
    }

    fn echo(message: Message<'_>, out: &mut Out<'_>) {
        out.send(message);
    }

    fn deaf(_: &Event<'_>, _: &mut Emit<'_>) {}

    fn engine(path: &str) -> Mount {
        Mount::engine(path, settings(), echo)
    }

    fn websocket(path: &str) -> Mount {
        Mount::websocket(path, settings(), echo)
    }

    fn fault(mounts: Vec<Mount>) -> Option<Fault> {
        Mounts::new(mounts, |path| path == "/health").err().map(|error| error.fault)
    }

    #[test]
    fn what_collides_or_cannot_be_reached_is_refused() {
        assert_eq!(fault(vec![engine("/a"), engine("/a/")]), Some(Fault::Twice));
        assert_eq!(fault(vec![engine("/a"), Mount::socketio("/a", settings())]), Some(Fault::Twice));
        assert_eq!(fault(vec![websocket("/a"), websocket("/a")]), Some(Fault::Twice));
        assert_eq!(fault(vec![websocket("/health")]), Some(Fault::Taken));
        assert_eq!(fault(vec![websocket("/a"), engine("/a/"), websocket("/a/b")]), None);
        for path in ["", "a", "/{a}", "/a?b", "/a b", "/a//b", "/ä", "/a//"] {
            assert_eq!(fault(vec![websocket(path)]), Some(Fault::Path), "{path}");
        }
    }

    #[test]
    fn a_namespace_has_a_name_of_its_own() {
        let socketio = || Mount::socketio("/s", settings());
        let twice = socketio().profile(Namespace::Root, Profile::Collab).namespace("/", deaf);
        assert_eq!(fault(vec![twice]), Some(Fault::NamespaceTwice("/".into())));
        for name in ["", "a", "/a,b", "/a?b", "/a\u{1e}"] {
            assert_eq!(fault(vec![socketio().namespace(name, deaf)]), Some(Fault::Namespace(name.into())));
        }
        let mount = socketio().namespace("/", deaf).namespace("/a", deaf);
        let found = ["/", "/?x", "/a", "/a?x=1", "/b", "a", ""].map(|spelled| mount.find(spelled));
        assert_eq!(found, [Some(0), Some(0), Some(1), Some(1), None, None, None]);
    }

    #[test]
    fn timings_of_nothing_are_refused() {
        let idle = SessionSettings { ping_interval: Duration::ZERO, ..settings() };
        assert_eq!(fault(vec![Mount::engine("/a", idle, echo)]), Some(Fault::Timings));
    }

    #[test]
    fn an_engine_has_both_spellings_and_shares_them_with_a_plain_endpoint() {
        let mounts =
            Mounts::new(vec![websocket("/a"), engine("/a"), websocket("/b"), websocket("/")], |_| false);
        let mounts = mounts.unwrap();
        let spelled: Vec<_> = mounts.doors().iter().map(|door| door.spellings()).collect();
        assert_eq!(spelled, [vec!["/a", "/a/"], vec!["/b"], vec!["/"]]);
        let [both, alone, _] = mounts.doors() else { panic!("three paths") };
        assert!(both.mount(true).is_engine() && !both.mount(false).is_engine());
        assert!(!alone.mount(true).is_engine(), "an EIO means nothing where there is no engine");
    }
}
