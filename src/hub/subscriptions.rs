//! What one socket has subscribed to (guide 004), and which rooms that comes to.
//!
//! Pure. Subscriptions may overlap: a room is left when no subscription holds it any more (contract
//! D-48). That is found out from the list itself, so there is no count to go wrong.

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::alert::AlertFilter;
use crate::domain::channel::{Channel, Scope};
use crate::domain::id::Id;
use crate::domain::room::Room;

/// One subscription: channels in a part of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub id: Arc<str>,
    /// Not empty, each once.
    pub channels: Vec<Channel>,
    pub scope: Scope,
    /// Thins the alerts; `None` lets everything pass.
    pub filter: Option<Arc<AlertFilter>>,
    /// Kept as the client gave it.
    pub site: Option<Id>,
}

/// A room that a subscription holds, and how its alerts are thinned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    pub room: Room,
    pub filter: Option<Arc<AlertFilter>>,
}

/// Which subscriptions are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    pub id: Option<String>,
    /// These channels of whatever subscription; `None` means all channels.
    pub channels: Option<Vec<Channel>>,
    /// Those of just this part of the socket's organization; `None` means wherever they are.
    pub part: Option<Part>,
}

/// A part of an organization as it is named in a request: what is not given is not narrowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub organization: Option<Id>,
    pub department: Option<Id>,
    pub queue: Option<Id>,
}

/// What was unsubscribed from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The subscription, if it was one.
    pub id: Option<Arc<str>>,
    pub channels: Vec<Channel>,
    /// The rooms that were left because of it.
    pub rooms: Vec<Room>,
}

/// The subscriptions of one socket.
#[derive(Debug, Default)]
pub struct Subscriptions(Vec<Subscription>);

impl Subscription {
    /// The rooms it holds. Only channels with alerts in them are thinned.
    pub fn holds(&self) -> impl Iterator<Item = Hold> {
        self.channels.iter().filter_map(|channel| {
            let filter = self.filter.clone().filter(|_| channel.has_alerts());
            self.scope.room(*channel).map(|room| Hold { room, filter })
        })
    }
}

impl Which {
    fn means(&self, subscription: &Subscription) -> bool {
        let Subscription { id, scope, .. } = subscription;
        let is_part = |part: &Part| {
            part.organization.as_ref().is_none_or(|asked| *asked == scope.organization)
                && part.department == scope.department
                && part.queue == scope.queue
        };
        self.id.as_ref().is_none_or(|asked| *asked == **id) && self.part.as_ref().is_none_or(is_part)
    }

    fn means_channel(&self, channel: Channel) -> bool {
        self.channels.as_ref().is_none_or(|asked| asked.contains(&channel))
    }
}

impl Subscriptions {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that the words of all filters hold.
    pub fn filter_bytes(&self) -> usize {
        self.0.iter().filter_map(|own| own.filter.as_ref()).map(|filter| filter.size()).sum()
    }

    pub fn add(&mut self, subscription: Subscription) {
        self.0.push(subscription);
    }

    /// Everything that some subscription holds. Rooms are spelled for it, so whoever looks for many asks
    /// once.
    pub fn holds(&self) -> HashSet<Hold> {
        self.0.iter().flat_map(Subscription::holds).collect()
    }

    /// Ends what `which` means. `None` if there is nothing of it.
    pub fn end(&mut self, which: &Which) -> Option<Ended> {
        let mut ended = Ended::default();
        let mut meant = 0;
        for subscription in self.0.iter_mut().filter(|own| which.means(own)) {
            let before = subscription.channels.len();
            subscription.channels.retain(|channel| {
                let stays = !which.means_channel(*channel);
                if !stays && !ended.channels.contains(channel) {
                    ended.channels.push(*channel);
                }
                stays
            });
            if subscription.channels.len() < before {
                meant += 1;
                ended.id = Some(Arc::clone(&subscription.id));
            }
        }
        ended.id = ended.id.filter(|_| meant == 1);
        self.0.retain(|own| !own.channels.is_empty());
        (!ended.channels.is_empty()).then_some(ended)
    }

    /// Ends the part of each subscription that holds this room.
    pub fn end_room(&mut self, channel: Channel, scope: &Scope) {
        for own in self.0.iter_mut().filter(|own| own.scope == *scope) {
            own.channels.retain(|held| *held != channel);
        }
        self.0.retain(|own| !own.channels.is_empty());
    }

    /// Ends all but those of this organization.
    pub fn keep_organization(&mut self, organization: Option<&Id>) {
        self.0.retain(|own| Some(&own.scope.organization) == organization);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(id: &str, channels: &[Channel], path: &str) -> Subscription {
        let scope = Scope::parse(path).unwrap();
        Subscription { id: id.into(), channels: channels.to_vec(), scope, filter: None, site: None }
    }

    fn holds(own: &Subscriptions, room: &str) -> bool {
        own.holds().contains(&Hold { room: Room::parse(room).unwrap(), filter: None })
    }

    use Channel::{Alerts, All, Kpi};

    fn two() -> Subscriptions {
        let mut own = Subscriptions::default();
        own.add(subscription("s1", &[Kpi, Alerts], "org:o"));
        own.add(subscription("s2", &[Kpi], "org:o"));
        own.add(subscription("s3", &[Kpi], "org:o:dept:d"));
        own
    }

    #[test]
    fn a_room_is_held_until_the_last_subscription_to_it_ends() {
        let mut own = two();
        let one = |id: &str| Which { id: Some(id.into()), ..Which::default() };
        let ended = own.end(&one("s1")).unwrap();
        assert_eq!((ended.id.as_deref(), ended.channels.as_slice()), (Some("s1"), [Kpi, Alerts].as_slice()));
        assert!(holds(&own, "kpi:org:o") && !holds(&own, "alerts:org:o"));
        own.end(&one("s2")).unwrap();
        assert!(!holds(&own, "kpi:org:o") && holds(&own, "kpi:org:o:dept:d"));
        assert_eq!(own.end(&one("s2")), None);
    }

    #[test]
    fn channels_end_in_every_scope_or_in_the_one_that_is_named() {
        let kpi = Which { channels: Some(vec![Kpi]), ..Which::default() };
        let mut own = two();
        let ended = own.end(&kpi).unwrap();
        assert_eq!((ended.id, ended.channels), (None, vec![Kpi]));
        assert!(holds(&own, "alerts:org:o") && own.len() == 1);

        let part = |department: Option<&str>| {
            let (organization, department) = (Id::parse("o"), department.and_then(Id::parse));
            Which { part: Some(Part { organization, department, queue: None }), ..kpi.clone() }
        };
        let mut own = two();
        own.end(&part(Some("d"))).unwrap();
        assert!(holds(&own, "kpi:org:o") && !holds(&own, "kpi:org:o:dept:d"));
        // The whole of it is a part like any other: who follows a department besides still does.
        let mut own = two();
        own.end(&part(None)).unwrap();
        assert!(!holds(&own, "kpi:org:o") && holds(&own, "kpi:org:o:dept:d"));
        own.end(&Which::default()).unwrap();
        assert!(own.is_empty());
        assert_eq!(own.end(&Which::default()), None);
    }

    #[test]
    fn only_rooms_with_alerts_in_them_are_thinned() {
        let filter = Some(Arc::new(AlertFilter { sources: Some(Vec::new()), ..AlertFilter::default() }));
        let all = subscription("s", &[Kpi, Alerts, All], "org:o");
        let holds: Vec<Hold> = Subscription { filter, ..all }.holds().collect();
        assert_eq!(holds.iter().map(|hold| hold.filter.is_some()).collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn another_organization_keeps_nothing() {
        let mut own = two();
        own.keep_organization(Id::parse("o").as_ref());
        assert_eq!(own.len(), 3);
        own.keep_organization(Id::parse("p").as_ref());
        assert!(own.is_empty());
    }
}
