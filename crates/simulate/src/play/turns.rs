//! The turns of the drawn verifiers: to seal, to stay away, to report.

use super::{Game, move_on};
use crate::cast::WINDOW;
use crate::chain::{Refused, job_id};
use crate::work::{state_leaf, true_trace};
use assay_market::{check, demand};
use assay_protocol::commitment::seal;
use assay_protocol::hash::Native;
use assay_protocol::market::{Answer, Check, MAX_DEMANDS, Slot, State};

impl Game<'_> {
    /// The drawn verifiers seal, or report, or stay away until others are drawn for
    /// their slots.
    pub(super) fn attest(&mut self) -> Result<(), Refused> {
        let id = self.id;
        loop {
            for (number, slot) in self.slots().iter().filter(|(_, slot)| slot.check == Check::Opened) {
                let (by, segment) = (slot.verifier, slot.segment);
                let bribed = self.cast.is_bribed(&by);
                let hidden = !bribed && self.cast.conduct.hides && self.work.is_false(segment);
                if !bribed && self.rng.f64() < self.cast.conduct.idle {
                    self.played.idle_turns += 1;
                    continue;
                }
                if hidden || (bribed && self.reported == Some(*number)) {
                    self.report(*number, slot)?;
                    if self.state() != State::Opened {
                        return Ok(());
                    }
                    continue;
                }
                let trace = if bribed {
                    self.work.trace(segment)
                } else {
                    self.replayed.0 += 1;
                    true_trace(id, segment)
                };
                let sealed = seal(&Native, job_id(id), segment, &trace, &by);
                self.chain.send("attest", by, 0, |chain| check::attest(chain, id, *number, sealed))?;
            }
            if self.state() != State::Opened {
                return Ok(());
            }
            move_on(self.chain, id, WINDOW + 1)?;
            if self.state() != State::Opened {
                return Ok(());
            }
        }
    }

    /// The verifier of a slot demands a piece of the state before it on chain. The
    /// operator shows that, and serves no more than before.
    fn report(&mut self, number: u8, slot: &Slot) -> Result<(), Refused> {
        let id = self.id;
        self.chain
            .send("report_unavailable", slot.verifier, 0, |chain| check::report_unavailable(chain, id, number, 0, 0))?;
        let shown = Answer::Leaf(state_leaf(id, slot.segment));
        self.chain.send("answer", self.cast.operator, 0, |chain| demand::answer(chain, id, MAX_DEMANDS + number, shown))
    }

    /// A slot whose next verifiers are bribed, so many of them that their reports
    /// convict. Redraws follow from the first draw, so they know before they begin.
    pub(super) fn worth_reporting(&mut self) -> Result<Option<u8>, Refused> {
        if !self.cast.conduct.reports_falsely {
            return Ok(None);
        }
        for number in 0..self.settings.samples {
            let convicts = self.ahead(|game| {
                game.reported = Some(number);
                game.attest()?;
                Ok(game.state() == State::Failed)
            })?;
            if convicts {
                return Ok(Some(number));
            }
        }
        self.reported = None;
        Ok(None)
    }
}
