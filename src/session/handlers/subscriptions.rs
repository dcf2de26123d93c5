//! Subscribing: to a room (guide 001), to channels of an organization (guide 004), or to both in one
//! message (contract X-03).

use std::sync::Arc;

use crate::dialect::{Answer, Reply, Request};
use crate::domain::channel::{Channel, Scope};
use crate::domain::error::{ClientError, ErrorCode};
use crate::domain::identity::{Identity, Trust};
use crate::domain::room::Room;
use crate::domain::time::Timestamp;
use crate::events::payload::intraday::{self, Confirmation, Subscribed};
use crate::events::payload::system::Accepted;
use crate::hub::messages;
use crate::hub::outboxes::SocketKey;
use crate::hub::subscriptions::{Ended, Part, Subscription, Which};
use crate::session::Session;
use crate::session::effects::{Ask, Effect, Outcome};

/// All of it or nothing: a refused channel leaves the room unjoined, too.
pub fn subscribe(
    session: &Session,
    key: SocketKey,
    room: Option<Room>,
    channels: Option<intraday::Subscribe>,
    request: Request,
) -> Effect {
    let Some(socket) = session.socket(key) else { return Effect::Nothing };
    let access = &session.services.access;
    let allowed = room.as_ref().map_or(Ok(()), |room| access.may_join(&socket.identity, room));
    let id = || session.services.ambient.random.token::<12>().into();
    let subscription =
        allowed.and_then(|()| channels.map(|asked| subscription(&socket.identity, asked, id())).transpose());
    let subscription = match subscription {
        Ok(subscription) => subscription,
        Err(error) => return super::refuse(session, &error, &request),
    };
    let now = session.services.ambient.clock.wall();
    let confirm = confirmed(room.as_ref(), subscription.as_ref(), &request, now);
    let names: Vec<String> = names(room.as_ref(), subscription.as_ref());
    let log = super::rooms::log_of(session, "subscribe", names.join(" "));
    let ask = messages::Subscribe { key, room, subscription, confirm };
    let answer = session.services.worker.rooms().send(ask);
    let answer = Box::pin(async move { log(Outcome::of_change(answer.await, Outcome::Done).await) });
    Effect::Ask(Ask { answer, socket: key, request })
}

/// Ends a room's membership, subscriptions, or both.
pub fn unsubscribe(
    session: &Session,
    key: SocketKey,
    room: Option<Room>,
    channels: Option<intraday::Unsubscribe>,
    request: Request,
) -> Effect {
    let now = session.services.ambient.clock.wall();
    let which = channels.map(|asked| {
        let intraday::Unsubscribe { id, channels, organization, department, queue } = asked;
        let part = Part { organization, department, queue };
        Which { id, channels, part: (part != Part::default()).then_some(part) }
    });
    let log = super::rooms::log_of(
        session,
        "unsubscribe",
        room.as_ref().map_or_else(|| "channels".to_owned(), |room| room.name().to_owned()),
    );
    let (asked, left) = (request.clone(), room.clone());
    let has_channels = which.is_some();
    let confirm =
        Box::new(move |ended: &Ended| ended_in_words(left.as_ref(), ended, has_channels, &asked, now));
    let ask = messages::Unsubscribe { key, room, which, confirm };
    let answer = session.services.worker.rooms().send(ask);
    let answer = Box::pin(async move { log(Outcome::of_change(answer.await, Outcome::Done).await) });
    Effect::Ask(Ask { answer, socket: key, request })
}

/// What a subscription comes to for this bearer.
fn subscription(
    who: &Identity,
    asked: intraday::Subscribe,
    id: Arc<str>,
) -> Result<Subscription, ClientError> {
    // A tenant's key opens no channels, whatever organization its record names (contract section 9).
    let own = who.organization.as_ref().filter(|_| matches!(who.trust, Trust::Claimed | Trust::Verified));
    let Some(own) = own else {
        return Err(ClientError::unauthorized(
            "Channels are an organization's: authenticate as one of its users",
        ));
    };
    if asked.organization.as_ref().is_some_and(|organization| organization != own) {
        return Err(ClientError::unauthorized("This is another organization's channel"));
    }
    let failed = |message| ClientError::new(ErrorCode::SubscriptionFailed, message);
    let scope = Scope::new(own.clone(), asked.department, asked.queue)
        .ok_or_else(|| failed("The organization's id cannot name channels"))?;
    if asked.channels.iter().any(|channel| scope.room(*channel).is_none()) {
        return Err(failed("The ids are too long together: a room's name has at most 128 characters"));
    }
    let is_thinned = !asked.filter.is_open() && asked.channels.iter().any(|channel| channel.has_alerts());
    let filter = is_thinned.then(|| Arc::new(asked.filter));
    Ok(Subscription { id, channels: asked.channels, scope, filter, site: asked.site })
}

fn names(room: Option<&Room>, subscription: Option<&Subscription>) -> Vec<String> {
    let alone = room.map(|room| room.name().to_owned());
    let held = subscription.into_iter().flat_map(Subscription::holds);
    alone.into_iter().chain(held.map(|hold| hold.room.name().to_owned())).collect()
}

fn confirmed(
    room: Option<&Room>,
    subscription: Option<&Subscription>,
    request: &Request,
    now: Timestamp,
) -> Reply {
    let names = names(room, subscription);
    let rooms: Vec<&str> = names.iter().map(String::as_str).collect();
    let channels = subscription.map(|own| own.channels.iter().map(|channel| channel.name()).collect());
    let subscription_id = subscription.map(|own| &*own.id);
    let ack = Accepted::with(Subscribed {
        room: room.map(Room::name),
        rooms: rooms.clone(),
        subscribed_channels: channels.clone(),
        unsubscribed_channels: None,
        subscription_id,
    });
    let answer = match channels {
        Some(channels) => {
            Answer::either("client:subscribe", &Confirmation { subscription_id, channels, rooms }, &ack)
        }
        None => Answer::ack(&ack),
    };
    answer.spell(request, now)
}

fn ended_in_words(
    room: Option<&Room>,
    ended: &Ended,
    has_channels: bool,
    request: &Request,
    now: Timestamp,
) -> Reply {
    let channels: Vec<&'static str> = ended.channels.iter().copied().map(Channel::name).collect();
    // A channel's room that was named besides has ended with the channel.
    let alone = room.map(Room::name).filter(|name| ended.rooms.iter().all(|left| left.name() != *name));
    let rooms: Vec<&str> = alone.into_iter().chain(ended.rooms.iter().map(Room::name)).collect();
    let subscription_id = ended.id.as_deref();
    let ack = Accepted::with(Subscribed {
        room: room.map(Room::name),
        rooms: rooms.clone(),
        subscribed_channels: None,
        unsubscribed_channels: has_channels.then(|| channels.clone()),
        subscription_id,
    });
    let answer = if has_channels {
        Answer::either("client:unsubscribe", &Confirmation { subscription_id, channels, rooms }, &ack)
    } else {
        Answer::ack(&ack)
    };
    answer.spell(request, now)
}
