//! A fan-out's way through its audience.

use super::audience::Primary;
use super::messages::FanOut;
use super::roster::{Member, Roster};
use crate::dialect::prepared::Label;

/// A walk over an audience that may pause.
pub struct Walk {
    /// Tells this walk's meetings from earlier ones'.
    number: u64,
    part: usize,
    index: usize,
    accepted: usize,
}

impl Default for Walk {
    fn default() -> Walk {
        Walk { number: 1, part: 0, index: 0, accepted: 0 }
    }
}

impl Walk {
    /// Gives `deliver` the recipients that are left, as far as `budget` allows. Gives whether that
    /// was all of them.
    pub fn go<S>(
        &mut self,
        roster: &mut Roster<S>,
        fan_out: &FanOut,
        budget: &mut usize,
        mut deliver: impl FnMut(&Member<'_, S>, Label, &mut usize) -> bool,
    ) -> bool {
        let mut take = |member: Member<'_, S>, label, accepted: &mut usize, budget: &mut usize| {
            if fan_out.audience.admits(&member) {
                *accepted += usize::from(deliver(&member, label, budget));
            }
        };
        match &fan_out.audience.primary {
            Primary::Sockets(keys) => {
                while let Some(key) = keys.get(self.index) {
                    if *budget == 0 {
                        return false;
                    }
                    *budget -= 1;
                    self.index += 1;
                    if let Some(member) = roster.member(*key) {
                        take(member, 0, &mut self.accepted, budget);
                    }
                }
            }
            Primary::Groups(groups) => {
                while let Some((group, label)) = groups.get(self.part) {
                    while self.index < roster.size(*group) {
                        if *budget == 0 {
                            return false;
                        }
                        *budget -= 1;
                        self.index += 1;
                        if let Some(member) = roster.meet(*group, self.index - 1, self.number) {
                            take(member, *label, &mut self.accepted, budget);
                        }
                    }
                    self.part += 1;
                    self.index = 0;
                }
            }
        }
        true
    }

    /// Makes ready for the next walk. Gives how many accepted on this one.
    pub fn finish(&mut self) -> usize {
        let accepted = self.accepted;
        *self = Walk { number: self.number + 1, ..Walk::default() };
        accepted
    }
}
