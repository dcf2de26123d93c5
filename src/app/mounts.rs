//! Where the clients of the five guides connect (contract 0.2).

use crate::config::Settings;
use crate::dialect::Namespace;
use crate::domain::profile::Profile;
use crate::session::SessionSettings;
use crate::session::mount::Mount;

/// The engines and the plain endpoints of the guides.
pub fn of_guides(settings: &Settings) -> Vec<Mount> {
    let settings = SessionSettings::of_profiles(settings);
    // On `/ws`, whoever comes to the main namespace is a client of guide 004.
    let engine = |path, root| {
        Mount::socketio(path, settings.clone())
            .profile(Namespace::Root, root)
            .profile(Namespace::Ws, Profile::Project)
            .profile(Namespace::Events, Profile::Flow)
    };
    vec![
        engine("/socket.io", Profile::Collab),
        engine("/ws", Profile::Intraday),
        Mount::dashboards("/ws", settings.clone(), Profile::Plain),
        Mount::dashboards("/events", settings.clone(), Profile::Flow),
    ]
}
