//! Plays one job from its posting to its end, every step a message to the
//! market's own logic.

mod turns;

use crate::cast::{Cast, DISPUTE_WINDOW, Played, Settings, WINDOW, terms};
use crate::chain::{Chain, MARKET, Refused, job_id};
use crate::work::{Work, true_trace};
use assay_market::{advance, challenge, check, draw, enlist, panel, post, reads, stake, train};
use assay_protocol::commitment::{outcome_seal, seal, sealed_secret};
use assay_protocol::hash::{Domain, Native, Sha256};
use assay_protocol::market::{
    BURN_ADDRESS, Challenge, Check, Commit, Job, ModelTerms, Opening, PostJob, Role, Slot, SlotOpening, SlotTrace,
    State,
};
use assay_protocol::{Address, Hash};
use fastrand::Rng;

/// Challenges and turns itself in for who is in league.
const ACCOMPLICE: Address = Address([0xac; 20]);
/// Replays what was not drawn.
const CHALLENGER: Address = Address([0xcc; 20]);
/// Moves jobs on.
const ANYBODY: Address = Address([0xaa; 20]);
const DATASET: Hash = Hash([0xda; 32]);
const SPEC: &[u8] = b"a specification";

/// What `by` seals into a job. Jobs of a simulation are not told apart by it: their
/// numbers go into the draw.
fn secret(by: Address) -> Hash {
    Native.hash_value(Domain::Secret, &(b"secret", by))
}

/// Locks what the cast needs; what they stake is theirs, and no gain or loss.
fn fund(chain: &mut Chain, settings: &Settings, cast: &Cast) -> Result<(), Refused> {
    let stake = settings.stake().expect("settings are checked");
    let needed = cast.verifiers.iter().map(|who| (Role::Verifier, *who, settings.bond * cast.weight(who)));
    for (role, who, amount) in needed.chain([(Role::Operator, cast.operator, stake)]) {
        let free = reads::standing(chain, role, who).map_or(0, |standing| standing.free());
        if free < amount {
            chain.send("stake", who, amount - free, |chain| stake::stake(chain, role, None))?;
        }
    }
    Ok(())
}

fn post(chain: &mut Chain, settings: &Settings, client: Address) -> Result<u64, Refused> {
    let sealed = sealed_secret(&Native, &MARKET, &secret(client), &client);
    let terms = terms(settings, Native.sha256(SPEC), sealed);
    let value = terms.payment + terms.fee;
    let model = ModelTerms { name: "a model".into(), licence: "CC-BY-4.0".into(), parent: None, royalty_bp: 0 };
    let args = PostJob { terms, model, datasets: vec![DATASET], spec: SPEC.to_vec(), most_royalties_bp: 0 };
    chain.send("post_job", client, value, |chain| post::post_job(chain, args))
}

fn reveal(chain: &mut Chain, id: u64, by: Address) -> Result<(), Refused> {
    chain.send("reveal_secret", by, 0, |chain| enlist::reveal_secret(chain, id, secret(by)))
}

fn move_on(chain: &mut Chain, id: u64, seconds: u32) -> Result<(), Refused> {
    chain.wait(seconds.into());
    chain.send("advance", ANYBODY, 0, |chain| advance::advance(chain, id))
}

struct Game<'a> {
    chain: &'a mut Chain,
    settings: &'a Settings,
    cast: &'a Cast,
    rng: &'a mut Rng,
    id: u64,
    work: Work,
    played: Played,
    /// Segments that honest verifiers have replayed, and honest challengers.
    replayed: (u32, u32),
    /// Whether an accomplice has accused its own operator.
    turned_in: bool,
    /// The slot that the bribed report though they are served.
    reported: Option<u8>,
}

/// Plays a job.
///
/// # Errors
/// If the market refuses what an agent does.
///
/// # Panics
/// If the settings are not [`Settings::check`]ed, or money comes or goes.
pub fn play(chain: &mut Chain, settings: &Settings, cast: &Cast, rng: &mut Rng) -> Result<Played, Refused> {
    fund(chain, settings, cast)?;
    chain.begin_job();
    let id = post(chain, settings, cast.client)?;
    for &by in &cast.verifiers {
        let (sealed, bond) = (sealed_secret(&Native, &MARKET, &secret(by), &by), settings.bond * cast.weight(&by));
        chain.send("enlist", by, 0, |chain| enlist::enlist(chain, id, sealed, bond))?;
    }
    let operator = cast.operator;
    chain.send("claim", operator, 0, |chain| train::claim(chain, id))?;
    let false_segments = rng.choose_multiple(0..settings.segments, cast.conduct.false_segments as usize);
    let work = commitment(id, settings, cast, &false_segments);
    let root = work.root();
    chain.send("commit", operator, 0, |chain| train::commit(chain, id, Commit { root }))?;
    let played = Played::default();
    let (replayed, turned_in, reported) = ((0, 0), false, None);
    let mut game = Game { chain, settings, cast, rng, id, work, played, replayed, turned_in, reported };
    game.draw()?;
    game.open()?;
    game.reported = game.worth_reporting()?;
    game.attest()?;
    if game.state() == State::Attested {
        game.reveal_traces()?;
        game.dispute()?;
    }
    game.end()
}

/// The operator tries several commitments and takes the first whose draw would
/// miss its false segments, by the secrets that it knows.
fn commitment(id: u64, settings: &Settings, cast: &Cast, false_segments: &[u32]) -> Work {
    let known = |by: Address| match cast.conduct.knows_secrets || cast.is_bribed(&by) {
        true => secret(by),
        false => Hash::default(),
    };
    let mut secrets = Hash::default();
    for &by in &cast.verifiers {
        let part = seal(&Native, job_id(id), 0, &known(by), &by);
        secrets.0.iter_mut().zip(part.0).for_each(|(sum, byte)| *sum ^= byte);
    }
    let client = if cast.conduct.knows_secrets { secret(cast.client) } else { Hash::default() };
    let mut nonce = 0;
    loop {
        let work = Work::new(id, cast.operator, settings.segments, false_segments, nonce);
        nonce += 1;
        if nonce >= cast.conduct.roots {
            return work;
        }
        let seed = Native.hash_value(Domain::Draw, &(id, work.root(), client, secrets, Hash::default()));
        let drawn = draw::segments(&Native, &seed, settings.segments, settings.samples);
        if !drawn.iter().any(|segment| work.is_false(*segment)) {
            return work;
        }
    }
}

impl Game<'_> {
    fn job(&self) -> Job {
        reads::job(self.chain, self.id).expect("the job was posted").job
    }

    fn state(&self) -> State {
        self.job().state
    }

    fn slots(&self) -> Vec<(u8, Slot)> {
        (0..).zip(reads::slots(self.chain, self.id)).collect()
    }

    /// What would come of it: plays on a copy of the chain.
    fn ahead<T>(&mut self, play: impl FnOnce(&mut Self) -> Result<T, Refused>) -> Result<T, Refused> {
        let (mark, played, replayed) = (self.chain.mark(), self.played, self.replayed);
        let answer = play(self);
        self.chain.back_to(mark);
        (self.played, self.replayed) = (played, replayed);
        answer
    }

    /// All reveal their secrets, but for the last of the bribed if the draw would
    /// have an honest verifier replay a false segment, or convict an operator that hides.
    fn draw(&mut self) -> Result<(), Refused> {
        let (id, cast) = (self.id, self.cast);
        let (last, others) = cast.verifiers.split_last().expect("verifiers are enlisted");
        reveal(self.chain, id, cast.client)?;
        for by in others {
            reveal(self.chain, id, *by)?;
        }
        if cast.conduct.withholds {
            self.played.withheld = self.ahead(|game| {
                reveal(game.chain, id, *last)?;
                move_on(game.chain, id, 1)?;
                if cast.conduct.hides {
                    game.open()?;
                    game.attest()?;
                    return Ok(game.state() == State::Failed);
                }
                let met_honest = |slot: &Slot| game.work.is_false(slot.segment) && !cast.is_bribed(&slot.verifier);
                Ok(reads::slots(game.chain, id).iter().any(met_honest))
            })?;
        }
        if self.played.withheld {
            // The deadline is noticed in one block; the next one draws.
            move_on(self.chain, id, WINDOW + 1)?;
        } else {
            reveal(self.chain, id, *last)?;
        }
        move_on(self.chain, id, 1)
    }

    fn open(&mut self) -> Result<(), Refused> {
        let work = &self.work;
        let around = |slot: u8, segment: u32| SlotOpening {
            slot,
            before: work.opening(segment),
            after: work.opening(segment + 1),
        };
        let slots = self.slots().iter().map(|(number, slot)| around(*number, slot.segment)).collect();
        let opening = Opening { ends: Some(work.ends()), slots };
        let id = self.id;
        self.chain.send("open", self.cast.operator, 0, |chain| check::open(chain, id, opening))
    }

    fn reveal_traces(&mut self) -> Result<(), Refused> {
        let sealed = self.slots().into_iter().filter(|(_, slot)| slot.check == Check::Sealed);
        let traces = sealed.map(|(slot, entry)| SlotTrace { slot, trace: self.work.trace(entry.segment) }).collect();
        let id = self.id;
        self.chain.send("reveal_traces", self.cast.operator, 0, |chain| check::reveal_traces(chain, id, traces))
    }

    /// Whoever has found something else says so, and panels decide, until nobody
    /// has anything to say before the window ends.
    fn dispute(&mut self) -> Result<(), Refused> {
        let id = self.id;
        let mut found = self.audit();
        let mut accused = self.worth_accusing()?;
        loop {
            match self.state() {
                State::Window => {}
                State::Disputed => {
                    self.panel()?;
                    continue;
                }
                _ => return Ok(()),
            }
            let doubtful = self.slots().into_iter().find(|(_, slot)| slot.check == Check::Mismatched);
            if let Some((number, slot)) = doubtful {
                if let Some(segment) = self.worth_turning_in() {
                    self.turned_in = true;
                    self.challenge(ACCOMPLICE, segment)?;
                } else {
                    let trace = true_trace(id, slot.segment);
                    self.chain.send("insist", slot.verifier, 0, |chain| check::insist(chain, id, number, trace))?;
                }
            } else if let Some(segment) = found.pop() {
                self.challenge(CHALLENGER, segment)?;
            } else if let Some(segment) = accused.pop() {
                self.played.accusations += 1;
                self.challenge(ACCOMPLICE, segment)?;
            } else {
                move_on(self.chain, id, DISPUTE_WINDOW + 1)?;
            }
        }
    }

    /// True segments to challenge one after another until a panel is the
    /// conspirators' own. Panels follow from the draw, so they know before the first
    /// challenge whether it is worth the bonds.
    fn worth_accusing(&mut self) -> Result<Vec<u32>, Refused> {
        let most = self.cast.conduct.accusations as usize;
        let segments: Vec<u32> = self.undrawn().into_iter().take(most).collect();
        let needed = self.ahead(|game| {
            for (place, segment) in segments.iter().enumerate() {
                game.challenge(ACCOMPLICE, *segment)?;
                game.panel()?;
                if game.state() == State::Failed {
                    return Ok(place + 1);
                }
            }
            Ok(0)
        })?;
        Ok(segments[..needed].iter().rev().copied().collect())
    }

    /// A false segment that no honest verifier has found, if the operator wants to
    /// be convicted over one of those: the others' verifiers come first.
    fn worth_turning_in(&self) -> Option<u32> {
        if !self.cast.conduct.turns_itself_in || self.turned_in {
            return None;
        }
        let slots = self.slots();
        let found = |segment| {
            let slot = slots.iter().find(|(_, slot)| slot.segment == segment);
            slot.is_some_and(|(_, slot)| matches!(slot.check, Check::Mismatched | Check::Upheld))
        };
        (0..self.settings.segments).find(|segment| self.work.is_false(*segment) && !found(*segment))
    }

    fn undrawn(&self) -> Vec<u32> {
        let drawn: Vec<u32> =
            self.slots().iter().take(self.settings.samples.into()).map(|(_, slot)| slot.segment).collect();
        (0..self.settings.segments).filter(|segment| !drawn.contains(segment)).collect()
    }

    /// What honest challengers find among the segments that were not drawn.
    fn audit(&mut self) -> Vec<u32> {
        let share = self.cast.conduct.audited;
        if share == 0.0 {
            return Vec::new();
        }
        let mut found = self.undrawn();
        found.retain(|_| self.rng.f64() < share);
        self.replayed.1 += found.len() as u32;
        found.retain(|segment| self.work.is_false(*segment));
        found
    }

    fn challenge(&mut self, by: Address, segment: u32) -> Result<(), Refused> {
        let (id, before, after) = (self.id, self.work.opening(segment), self.work.opening(segment + 1));
        let args = Challenge { segment, before, after };
        self.chain.send("challenge", by, self.settings.bond, |chain| challenge::challenge(chain, id, args))?;
        Ok(())
    }

    /// A panel decides. Who is bribed says what was agreed if that makes a
    /// majority, and the truth otherwise, so as not to be overruled.
    fn panel(&mut self) -> Result<(), Refused> {
        let id = self.id;
        let dispute = reads::job(self.chain, id).and_then(|view| view.dispute).expect("a disputed job has a dispute");
        let segment = self.slots()[usize::from(dispute.slot)].1.segment;
        let seats: Vec<Address> = reads::seats(self.chain, id).iter().map(|seat| seat.verifier).collect();
        let bribed = seats.iter().filter(|seat| self.cast.is_bribed(seat)).count();
        let truth = true_trace(id, segment);
        let agreed = match self.cast.conduct.accusations {
            _ if bribed * 2 <= seats.len() || self.turned_in => truth,
            0 => self.work.trace(segment),
            _ => Native.hash_value(Domain::Manifest, &(b"accused", id, segment)),
        };
        let outcome = |by: &Address| {
            let trace = if self.cast.is_bribed(by) { agreed } else { truth };
            self.work.finding(segment, trace, dispute.salt)
        };
        let outcomes: Vec<_> = seats.iter().map(|by| (*by, outcome(by))).collect();
        for (by, outcome) in &outcomes {
            let sealed = outcome_seal(&Native, job_id(id), segment, outcome, by);
            self.chain.send("panel_seal", *by, 0, |chain| panel::panel_seal(chain, id, sealed))?;
        }
        for (by, outcome) in outcomes {
            self.chain.send("panel_reveal", by, 0, |chain| panel::panel_reveal(chain, id, outcome))?;
        }
        self.replayed.0 += (seats.len() - bribed) as u32;
        Ok(())
    }

    /// Bonds are released, and what everybody has gained is summed up.
    fn end(mut self) -> Result<Played, Refused> {
        let id = self.id;
        for by in &self.cast.verifiers {
            self.chain.send("release", *by, 0, |chain| enlist::release(chain, id))?;
        }
        assert_eq!(self.chain.sum_of_gains(), 0, "what one gains by job {id} another loses");
        let state = self.state();
        let cost = |segments: u32| f64::from(segments) * self.settings.segment_cost as f64;
        let gained = |by: &Address| self.chain.gained(*by) as f64;
        let made_up = self.cast.conduct.false_segments;
        let (bribed, honest): (Vec<&Address>, Vec<&Address>) =
            self.cast.verifiers.iter().partition(|by| self.cast.is_bribed(by));
        self.played.passed = state == State::Final;
        self.played.convicted = state == State::Failed;
        self.played.operator = gained(&self.cast.operator) - cost(self.settings.segments - made_up);
        if self.played.passed && made_up > 0 {
            self.played.operator += self.settings.gain as f64;
        }
        self.played.honest = honest.into_iter().map(gained).sum::<f64>() - cost(self.replayed.0);
        self.played.accomplice = gained(&ACCOMPLICE);
        self.played.conspirators = bribed.into_iter().map(gained).sum::<f64>() + self.played.accomplice;
        if self.played.withheld {
            self.played.withholder = self.cast.verifiers.last().map_or(0.0, gained);
        }
        self.played.challengers = gained(&CHALLENGER) - cost(self.replayed.1);
        self.played.burned = gained(&BURN_ADDRESS);
        Ok(self.played)
    }
}
