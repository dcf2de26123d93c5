//! The table of rooms: one of all dialects beside rooms of one each.

use super::{median_of, name, span};
use crate::contestant::Round;
use crate::goals::{Goal, Score};
use crate::greeting::Dialect;
use crate::mixed::{Mixed, PAYLOAD};

pub fn rooms(rooms: &Mixed) -> String {
    let Mixed { clients, alone, together } = rooms;
    let mut text =
        format!("\n{clients} clients in a room, {PAYLOAD} B, by POST, one in flight; us/dlv as above\n");
    for (dialect, rounds) in Dialect::PRODUCT.into_iter().zip(alone) {
        text += &format!("{:>17}  {:>6.2}\n", name(dialect), median_of(rounds, Round::cost));
    }
    let ratios = together.iter().enumerate().map(|(number, round)| {
        let others = alone.iter().filter_map(|rounds| rounds.get(number)).map(Round::cost);
        round.cost() / mean(others)
    });
    let together = median_of(together, Round::cost);
    let costs = alone.iter().map(|rounds| median_of(rounds, Round::cost));
    let (cheapest, dearest) =
        costs.fold((f64::INFINITY, 0.0_f64), |(low, high), cost| (low.min(cost), high.max(cost)));
    let ratio = ratio(rooms);
    text + &format!(
        "{:>17}  {together:>6.2}\n\
         all together / mean of the others: {ratio:.2}, {} over the rounds; {}\n\
         all together / the dearest: {:.2}; / the cheapest: {:.2}\n",
        "a quarter each",
        span(ratios),
        Goal::Mixed.verdict(ratio),
        together / dearest,
        together / cheapest,
    )
}

pub fn score(rooms: &Mixed) -> Score {
    Score::new(Goal::Mixed, format!("{} clients", rooms.clients), ratio(rooms))
}

fn ratio(rooms: &Mixed) -> f64 {
    let costs = rooms.alone.iter().map(|rounds| median_of(rounds, Round::cost));
    median_of(&rooms.together, Round::cost) / mean(costs)
}

fn mean(figures: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = figures.fold((0.0, 0.0), |(sum, count), figure| (sum + figure, count + 1.0));
    sum / count
}
