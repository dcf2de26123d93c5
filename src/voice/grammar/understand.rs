//! The judgement: which command was meant, and whether that is sure enough to run it.
//!
//! Every reading of the transcript is at hand. A command with an effect is understood only if
//! nothing at all speaks against it (contract D-22); a command that only reads may have a few words
//! too many.

use super::answer::{Choice, Understanding, Understood};
use super::commands::COMMANDS;
use super::phrases::Phrases;
use super::reading::{Reading, read};
use super::rules::{Rewriting, Rules, Why, primary};
use super::tokens::{Token, cut};
use super::{MIN_CONFIDENCE, Transcript};

/// The share of words nobody knows with which a reading command is still run.
const MAX_LEFT: f64 = 0.2;

/// The share above which a transcript has nothing to do with a reading command.
const TOO_MUCH_LEFT: f64 = 0.6;

/// What a transcript means, and the look-ups it took.
pub fn understand(rules: &Rules, transcript: &Transcript<'_>) -> (Understanding, usize) {
    let text = transcript.text;
    if !primary(transcript.locale).eq_ignore_ascii_case(&rules.locale) {
        let details = format!("Transcripts are understood in `{}` only", rules.locale);
        return (Understanding::NotUnderstood { details }, 0);
    }
    if text.chars().nth(rules.longest).is_some() {
        let details = format!("A transcript may have at most {} characters", rules.longest);
        return (Understanding::NotUnderstood { details }, 0);
    }
    let tokens = words(rules, text);
    let readings: Vec<Reading<'_>> =
        rules.commands.iter().map(|command| read(rules, command, text, &tokens)).collect();
    let steps = tokens.len() + readings.iter().map(|reading| reading.steps).sum::<usize>();
    (Judge { rules, text, tokens: &tokens, confidence: sure(transcript.confidence) }.of(readings), steps)
}

/// A confidence that is no number from 0 to 1 is none.
fn sure(confidence: f64) -> f64 {
    if (0.0..=1.0).contains(&confidence) { confidence } else { 0.0 }
}

/// The words of a transcript, without the sounds between them and in the spelling the rules know.
fn words(rules: &Rules, text: &str) -> Vec<Token> {
    let mut heard = cut(text);
    heard.retain(|token| !rules.hesitations.contains(&token.word));
    respelled(&rules.rewritings, &heard)
}

fn respelled(rewritings: &Phrases<Option<Rewriting>>, heard: &[Token]) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(heard.len());
    let mut at = 0;
    while at < heard.len() {
        let Some((length, Some(rewriting))) = rewritings.longest(&heard[at..]) else {
            tokens.push(heard[at].clone());
            at += 1;
            continue;
        };
        let (start, end) = (heard[at].start, heard[at + length - 1].end);
        for (index, word) in rewriting.words.iter().enumerate() {
            let pause = if index == 0 { heard[at].pause } else { Default::default() };
            tokens.push(Token { word: word.clone(), start, end, pause, is_guess: rewriting.is_guess });
        }
        at += length;
    }
    tokens
}

struct Judge<'a> {
    rules: &'a Rules,
    text: &'a str,
    tokens: &'a [Token],
    confidence: f64,
}

impl Judge<'_> {
    fn of(&self, readings: Vec<Reading<'_>>) -> Understanding {
        let mut fitting: Vec<Reading<'_>> =
            readings.into_iter().filter(|reading| self.fits(reading)).collect();
        let several = self.several(&fitting);
        if !several.is_empty() {
            return self.which(&several);
        }
        fitting.sort_by_key(rank);
        let Some((best, others)) = fitting.split_first() else { return nothing() };
        let equals: Vec<&Reading<'_>> =
            fitting.iter().take_while(|other| rank(other) == rank(best)).collect();
        if equals.len() > 1 {
            return self.which(&equals);
        }
        let is_rivalled = best.command().has_effect && others.iter().any(is_whole);
        if is_rivalled {
            let whole: Vec<&Reading<'_>> = fitting.iter().filter(|other| other.left.is_empty()).collect();
            return self.which(&whole);
        }
        match self.objection(best) {
            Some(question) => Understanding::Clarify { question, options: vec![choice(best)] },
            None => Understanding::Understood(Understood {
                command: best.command().name,
                parameters: super::answer::parameters(best),
                confidence: self.certainty(best),
            }),
        }
    }

    /// Whether a reading is about its command at all.
    fn fits(&self, reading: &Reading<'_>) -> bool {
        if reading.asks.is_empty() {
            // The thing alone must be all there is: "never mind the backup" asks for nothing.
            return reading.is_hint && reading.left.is_empty() && reading.never.is_none();
        }
        reading.command().has_effect || self.left(reading) <= TOO_MUCH_LEFT
    }

    fn left(&self, reading: &Reading<'_>) -> f64 {
        // Bounded by the longest transcript, far below what an f64 can count.
        reading.left.len() as f64 / self.tokens.len().max(1) as f64
    }

    /// The recogniser's confidence, less the share of words that nobody knows.
    fn certainty(&self, reading: &Reading<'_>) -> f64 {
        let certainty = self.confidence * (1.0 - self.left(reading));
        (certainty * 1000.0).round() / 1000.0
    }

    /// The readings that were asked for in different places: "create a lead and start a backup".
    fn several<'r, 'a>(&self, readings: &'a [Reading<'r>]) -> Vec<&'a Reading<'r>> {
        let apart = |one: &Reading<'_>, other: &Reading<'_>| self.are_apart(one, other);
        let has_other = |one: &&Reading<'_>| {
            readings.iter().any(|other| other.command().name != one.command().name && apart(one, other))
        };
        readings.iter().filter(has_other).collect()
    }

    fn are_apart(&self, one: &Reading<'_>, other: &Reading<'_>) -> bool {
        let pairs = || one.asks.iter().flat_map(|ask| other.asks.iter().map(move |second| (ask, second)));
        let are_disjoint =
            |a: &std::ops::Range<usize>, b: &std::ops::Range<usize>| a.end <= b.start || b.end <= a.start;
        let shares_verb = |from: usize, to: usize| {
            let joined = self.tokens.get(from..to).unwrap_or_default();
            joined.iter().any(|token| self.rules.joiners.contains(&token.word))
        };
        let all_apart = pairs().all(|(a, b)| are_disjoint(&a.words, &b.words));
        // "Show the leads and the metrics": one verb, two things.
        let joined = pairs().any(|(a, b)| {
            are_disjoint(&a.what, &b.what)
                && (shares_verb(a.what.end, b.what.start) || shares_verb(b.what.end, a.what.start))
        });
        pairs().next().is_some() && (all_apart || joined)
    }

    /// Why the best reading is not simply run, as a question.
    fn objection(&self, reading: &Reading<'_>) -> Option<String> {
        let questions = &self.rules.questions;
        let has_effect = reading.command().has_effect;
        let missing: Vec<&str> = reading.missing().map(|slot| reading.rules.called[slot].as_str()).collect();
        let is_question = has_effect && self.text.contains('?') && !reading.asks_politely;
        let heard = || {
            let words = reading.left.iter().map(|at| self.tokens[*at].word.as_str());
            words.take(12).collect::<Vec<_>>().join(" ")
        };
        let asked = |template: &str| template.replace("{command}", &super::answer::label(reading));
        let bare = |template: &str| template.replace("{command}", &reading.rules.label);

        if let Some(why) = reading.never {
            return Some(asked(match why {
                Why::Denied => &questions.denied,
                Why::About => &questions.about,
                Why::Reported => &questions.reported,
                Why::Doubted => &questions.doubted,
                Why::Asked => &questions.asked,
            }));
        }
        if is_question {
            return Some(asked(&questions.asked));
        }
        if self.confidence < MIN_CONFIDENCE {
            return Some(asked(&questions.unsure));
        }
        if !missing.is_empty() {
            return Some(bare(&questions.missing).replace("{missing}", &missing.join(", ")));
        }
        if let Some(slot) = reading.doubtful {
            return Some(asked(&questions.slot).replace("{slot}", &reading.rules.called[slot]));
        }
        let allowed = if has_effect { 0.0 } else { MAX_LEFT };
        if self.left(reading) > allowed {
            return Some(asked(&questions.leftover).replace("{heard}", &heard()));
        }
        if has_effect && reading.is_guess {
            return Some(asked(&questions.sound));
        }
        let is_only_named = has_effect && reading.asks.is_empty();
        (is_only_named || self.certainty(reading) < MIN_CONFIDENCE).then(|| asked(&questions.unsure))
    }

    fn which(&self, readings: &[&Reading<'_>]) -> Understanding {
        let mut readings = readings.to_vec();
        readings.sort_by_key(|reading| COMMANDS.iter().position(|row| row.name == reading.command().name));
        let options = readings.into_iter().map(choice).collect();
        Understanding::Clarify { question: self.rules.questions.which.clone(), options }
    }
}

/// The better a reading explains the words, the lower.
fn rank(reading: &Reading<'_>) -> (usize, usize, usize, bool) {
    (reading.left.len(), reading.missing().count(), reading.free, reading.asks.is_empty())
}

/// Whether a reading leaves nothing open.
fn is_whole(reading: &Reading<'_>) -> bool {
    reading.left.is_empty() && reading.missing().next().is_none() && !reading.asks.is_empty()
}

fn choice(reading: &Reading<'_>) -> Choice {
    Choice {
        command: reading.command().name,
        parameters: super::answer::parameters(reading),
        label: super::answer::label(reading),
    }
}

fn nothing() -> Understanding {
    Understanding::NotUnderstood { details: "No command was recognised".to_owned() }
}
