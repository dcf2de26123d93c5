//! The tables of crowds that come and go, and how a room that is published to fared meanwhile.

use std::fmt::Write;
use std::time::Duration;

use crate::churn::{self, Churn};
use crate::goals::{Goal, Score};
use crate::pace::{Latencies, PAYLOAD, RATE};
use crate::scale::{POOL, ROOMS, Scale};

const MB: f64 = 1024.0 * 1024.0;

pub fn scale(scale: &Scale) -> String {
    let Scale { clients, crowd, steps } = scale;
    let mut text = heading(&format!("{crowd} sockets, {ROOMS} of {POOL} rooms each"));
    let Some(calm) = steps.first() else { return text };
    for step in steps {
        let goal = (step.count > 0).then_some(Goal::Scale);
        text += &row(step.name, step.count, step.span, &step.latencies, &calm.latencies, goal);
    }
    text + &format!(
        "A room of {clients} plain clients gets {PAYLOAD} B {RATE} times a second from a client in it; ms: from when a broadcast is due\n\
         to its last subscriber; wait %, load %: of the time that the server, the load generator could run, how much others had its core.\n\
         The crowd's steps are paced, every answer is checked, and afterwards the counters were as before.\n"
    )
}

pub fn scale_scores(scale: &Scale) -> Vec<Score> {
    let [calm, steps @ .., _] = &scale.steps[..] else { return Vec::new() };
    let score = |step: &crate::scale::Step| {
        Score::new(Goal::Scale, step.name, grown(&step.latencies, &calm.latencies))
    };
    steps.iter().map(score).collect()
}

pub fn churn(churn: &Churn) -> String {
    let Churn { clients, visits, span, before, during, after, settled, .. } = churn;
    let mut text = heading(&format!("churn of {} connections a second", churn::RATE));
    for (name, count, span, latencies, goal) in [
        ("before", 0, None, before, None),
        ("during", *visits, Some(*span), during, Some(Goal::Churn)),
        ("after", 0, None, after, None),
    ] {
        text += &row(name, count, span.unwrap_or_default(), latencies, before, goal);
    }
    let [resident, now] = churn.memory.map(|bytes| bytes as f64 / MB);
    let _ = writeln!(
        text,
        "resident memory: {resident:.2} MB before, {now:.2} after, {:+.0} B for each visit; {}",
        (now - resident) * MB / *visits as f64,
        Goal::Memory.verdict(now / resident)
    );
    let [counted, left] = &churn.counters;
    let listed: Vec<String> = counted.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let _ = writeln!(text, "counters before: {}", listed.join(", "));
    for ((name, before), (_, after)) in counted.iter().zip(left).filter(|(before, after)| before != after) {
        let _ = writeln!(text, "NOT BACK: {name} {before} before, {after} after");
    }
    let _ = writeln!(
        text,
        "counters after: {} of {} differ; {}; looked at for {:.1} s",
        differing(churn),
        counted.len(),
        Goal::Counters.verdict(differing(churn)),
        settled.as_secs_f64()
    );
    text + &format!(
        "A room of {clients} plain clients is published to as above. A visit connects, greets, joins a room and leaves the\n\
         server; every other one speaks Socket.IO, half say goodbye and hear one, half are just gone. Five seconds of\n\
         visits came before anything was compared.\n"
    )
}

pub fn churn_scores(churn: &Churn) -> Vec<Score> {
    let [before, after] = churn.memory;
    vec![
        Score::new(
            Goal::Churn,
            format!("{:.0} s", churn.span.as_secs_f64()),
            grown(&churn.during, &churn.before),
        ),
        Score::new(Goal::Memory, format!("{} visits", churn.visits), after as f64 / before as f64),
        Score::new(Goal::Counters, format!("of {}", churn.counters[0].len()), differing(churn)),
    ]
}

fn differing(churn: &Churn) -> f64 {
    let [before, after] = &churn.counters;
    before.iter().zip(after).filter(|(before, after)| before != after).count() as f64
}

fn heading(what: &str) -> String {
    format!(
        "\n{what:<42} {:>7} {:>8} {:>10} {:>6} {:>6} {:>7} {:>7}  {:>8}  target\n",
        "count", "a second", "broadcasts", "wait %", "load %", "p50 ms", "p99 ms", "x before"
    )
}

fn row(
    name: &str,
    count: usize,
    span: Duration,
    latencies: &Latencies,
    calm: &Latencies,
    goal: Option<Goal>,
) -> String {
    let speed = if count > 0 { format!("{:.0}", count as f64 / span.as_secs_f64()) } else { "-".into() };
    let grown = grown(latencies, calm);
    let [server, load] = latencies.waited();
    format!(
        "{name:<42} {count:>7} {speed:>8} {:>10} {server:>6.0} {load:>6.0} {:>7.2} {:>7.2}  {grown:>8.2}  {}\n",
        latencies.count(),
        latencies.percentile(50),
        latencies.percentile(99),
        goal.map_or_else(String::new, |goal| goal.verdict(grown)),
    )
}

fn grown(latencies: &Latencies, calm: &Latencies) -> f64 {
    latencies.percentile(99) / calm.percentile(99)
}
