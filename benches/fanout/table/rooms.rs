//! The table of rooms: one of both dialects beside two of one each.

use super::{median_of, name, span, verdict};
use crate::contestant::Round;
use crate::greeting::Dialect;
use crate::mixed::{PAYLOAD, Rooms};

/// CPU per delivery, the mixed room / the mean of the others, at most.
const RATIO_TARGET: f64 = 1.15;

pub fn rooms(rooms: &Rooms) -> String {
    let Rooms { clients, plain, socket_io, mixed } = rooms;
    let [one, other, both] = [plain, socket_io, mixed].map(|rounds| median_of(rounds, Round::cost));
    let mean = |one: f64, other: f64| f64::midpoint(one, other);
    let ratio = both / mean(one, other);
    let ratios = plain.iter().zip(socket_io).zip(mixed);
    let ratios = ratios.map(|((one, other), both)| both.cost() / mean(one.cost(), other.cost()));
    format!(
        "\n{clients} clients in a room, {PAYLOAD} B, one in flight; us/dlv as above\n\
         {:>9}  {one:>6.2}\n{:>9}  {other:>6.2}\n{:>9}  {both:>6.2}\n\
         half of each / mean of the others: {ratio:.2}, {} over the rounds; target <= {RATIO_TARGET}: {}\n\
         half of each / the dearer of them: {:.2}; / the cheaper: {:.2}\n",
        name(Dialect::Plain),
        name(Dialect::SocketIo),
        "half each",
        span(ratios),
        verdict(ratio <= RATIO_TARGET),
        both / one.max(other),
        both / one.min(other),
    )
}
