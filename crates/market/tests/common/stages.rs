//! The life of a job, by stages.

use super::work::Cheat;
use super::{CLIENT, OPERATOR, RIVAL, World, post_args, terms, verifier};
use assay_protocol::market::{PostJob, Role, State};

impl World {
    /// Verifiers `0..count` and two operators with stake, a job posted, all enlisted.
    pub fn posted(count: u8, change: impl FnOnce(&mut PostJob)) -> (Self, u64) {
        let mut world = World::new();
        let mut args = post_args(terms(CLIENT));
        change(&mut args);
        for number in 0..count {
            world.stake(Role::Verifier, verifier(number), 25_000);
        }
        for operator in [OPERATOR, RIVAL] {
            world.stake(Role::Operator, operator, 600_000);
        }
        let id = world.post(args).unwrap();
        for number in 0..count {
            world.enlist(id, verifier(number)).unwrap();
        }
        (world, id)
    }

    /// Claimed and committed to by [`OPERATOR`], who cheats like this.
    pub fn committed(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::posted(count, |_| ());
        world.claim(id, OPERATOR).unwrap();
        world.commit(id, OPERATOR, cheats).unwrap();
        (world, id)
    }

    /// All secrets in, drawn.
    pub fn drawn(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::posted(count, |_| ());
        world.draw(id, count, cheats);
        (world, id)
    }

    /// A posted job of five verifiers and an honest operator goes on to this state.
    pub fn walk_to(&mut self, id: u64, state: State) {
        while self.state(id) != state {
            match self.state(id) {
                State::Open => self.claim(id, OPERATOR).unwrap(),
                State::Claimed => self.commit(id, OPERATOR, &[]).unwrap(),
                State::Committed => {
                    for by in (0..5).map(verifier).chain([CLIENT]) {
                        self.reveal(id, by).unwrap();
                    }
                    self.tick(1);
                    self.advance(id).unwrap();
                }
                State::Drawn => self.open(id, OPERATOR).unwrap(),
                State::Opened => {
                    for number in 0..self.view(id).terms.samples {
                        self.attest(id, number).unwrap();
                    }
                }
                State::Attested => self.reveal_traces(id, OPERATOR).unwrap(),
                other => panic!("no way from {other:?} to {state:?}"),
            }
        }
    }

    /// A posted job is claimed and committed to by [`OPERATOR`], and drawn.
    pub fn draw(&mut self, id: u64, verifiers: u8, cheats: &[Cheat]) {
        self.claim(id, OPERATOR).unwrap();
        self.commit(id, OPERATOR, cheats).unwrap();
        for by in (0..verifiers).map(verifier).chain([CLIENT]) {
            self.reveal(id, by).unwrap();
        }
        self.tick(1);
        self.advance(id).unwrap();
        assert_eq!(self.state(id), State::Drawn);
    }

    /// All drawn leaves open.
    pub fn opened(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::drawn(count, cheats);
        world.open(id, OPERATOR).unwrap();
        assert_eq!(world.state(id), State::Opened);
        (world, id)
    }

    /// All verifiers sealed what they found.
    pub fn attested(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::opened(count, cheats);
        for number in 0..world.view(id).terms.samples {
            world.attest(id, number).unwrap();
        }
        (world, id)
    }

    /// Traces revealed, the window open.
    pub fn window(count: u8, cheats: &[Cheat]) -> (Self, u64) {
        let (mut world, id) = Self::attested(count, cheats);
        world.reveal_traces(id, OPERATOR).unwrap();
        assert_eq!(world.state(id), State::Window);
        (world, id)
    }
}
