//! Jobs by all kinds of clients, at every limit of the terms; offers.

use super::acts::Dice;
use super::msg::Msg;
use super::world::{CLIENT, CROOK, LONGEST_WINDOW, RIVAL, World, sealed};
use assay_protocol::hash::{Native, Sha256};
use assay_protocol::market::{
    MAX_NOTE_BYTES, MAX_PANEL, MAX_SAMPLES, MAX_SEGMENTS, MAX_SPEC_BYTES, ModelTerms, Offer, Policy, PostJob, Terms,
    Windows,
};
use assay_protocol::{Address, Hash};

impl World {
    /// A client posts a job.
    pub fn post(&mut self, dice: &mut Dice) {
        let client = dice.of_these(&[CLIENT, CLIENT, CROOK]);
        let id = self.model.jobs.len() as u64;
        let spec = dice.of_these(&[b"a specification".to_vec(), b"another one".to_vec()]);
        let samples = 1 + dice.below(3) as u8;
        let segments = u32::from(samples) + dice.below(4) as u32;
        let window = |dice: &mut Dice, longest: u32| match dice.once_in(16) {
            true => dice.of_these(&[1, 2, 3, LONGEST_WINDOW]),
            false => longest / 4 + dice.below(longest as usize) as u32,
        };
        // Also sums that do not divide, down to a single unit.
        let stake = dice.of_these(&[1, 29, 300_001, 500_000]);
        let mut terms = Terms {
            spec: Native.sha256(&spec),
            program: Hash([0x70; 32]),
            segments,
            payment: dice.of_these(&[1, 9_999, 1_000_000]),
            fee: dice.of_these(&[1, 7, 100_003]),
            stake,
            hand_back: dice.of_these(&[0, stake / 20, stake / 10]),
            bond: dice.of_these(&[10, 19, 5_000, 12_345]),
            samples,
            panel: 2 + dice.below(3) as u8,
            sealed_secret: sealed(client, id),
            policy: dice.of_these(&[
                Policy::default(),
                Policy { gain: 1, false_segments: segments, bribed_bp: 0 },
                Policy { gain: 0, false_segments: segments, bribed_bp: 10_000 },
            ]),
            windows: Windows {
                claim: window(dice, 100),
                train: window(dice, 200),
                secrets: window(dice, 50),
                open: window(dice, 60),
                attest: window(dice, 70),
                reveal: window(dice, 40),
                dispute: window(dice, 90),
            },
        };
        let mut model = ModelTerms {
            name: "a model".into(),
            licence: "CC-BY-4.0".into(),
            parent: None,
            royalty_bp: dice.of_these(&[0, 100, 10_000]),
        };
        let mut datasets = vec![Hash([0xd0; 32])];
        if dice.once_in(4) {
            datasets.push(Hash([0xd1; 32]));
        }
        if dice.once_in(4) {
            model.parent = self.model.registry.models.first().map(|model| model.0);
        }
        let mut value = terms.payment + terms.fee;
        let mut spec = spec;
        if dice.once_in(4) {
            self.spoil(client, &mut terms, &mut model, &mut datasets, &mut spec, dice);
            value = terms.payment.saturating_add(terms.fee);
            if dice.once_in(8) {
                value = dice.edge();
            }
        }
        let owed = self.model.registry.inputs(&datasets, model.parent).unwrap_or_default();
        let owed = owed.iter().fold(0u16, |sum, royalty| sum.saturating_add(royalty.share_bp));
        // What the client has looked up, or it does not care, or the owners were faster.
        let most_royalties_bp = match dice.below(12) {
            0..=6 => owed,
            7 => owed.saturating_sub(1),
            8 => 0,
            _ => dice.of_these(&[10_000, u16::MAX]),
        };
        let args = PostJob { terms, model, datasets, spec, most_royalties_bp };
        self.send(client, value, Msg::PostJob { args: Box::new(args) });
    }

    /// At a limit, or one beyond it.
    fn spoil(
        &mut self,
        client: Address,
        terms: &mut Terms,
        model: &mut ModelTerms,
        datasets: &mut Vec<Hash>,
        spec: &mut Vec<u8>,
        dice: &mut Dice,
    ) {
        match dice.below(24) {
            0 => terms.segments = dice.of_these(&[0, MAX_SEGMENTS, MAX_SEGMENTS + 1, u32::MAX]),
            1 => terms.samples = dice.of_these(&[0, MAX_SAMPLES, MAX_SAMPLES + 1, u8::MAX]),
            2 => terms.panel = dice.of_these(&[0, 1, MAX_PANEL, MAX_PANEL + 1, u8::MAX]),
            3 => terms.windows.claim = dice.of_these(&[0, LONGEST_WINDOW, LONGEST_WINDOW + 1, u32::MAX]),
            4 => terms.windows.dispute = dice.of_these(&[0, LONGEST_WINDOW, LONGEST_WINDOW + 1, u32::MAX]),
            5 => terms.windows.open = dice.of_these(&[0, LONGEST_WINDOW, LONGEST_WINDOW + 1]),
            6 => terms.payment = dice.edge(),
            7 => terms.fee = dice.edge(),
            8 => terms.stake = dice.edge(),
            9 => terms.bond = dice.edge(),
            10 => terms.hand_back = dice.of_these(&[terms.stake / 10 + 1, u128::MAX]),
            11 => terms.policy.gain = dice.edge(),
            12 => terms.policy = Policy { gain: dice.edge(), false_segments: 1, bribed_bp: 5_000 },
            13 => terms.policy.bribed_bp = dice.of_these(&[10_000, 10_001, u16::MAX]),
            14 => terms.policy.false_segments = dice.of_these(&[terms.segments, terms.segments + 1, u32::MAX]),
            15 => *spec = vec![7; dice.of_these(&[0, 1, MAX_SPEC_BYTES, MAX_SPEC_BYTES + 1])],
            16 => {
                *spec = vec![7; dice.of_these(&[0, 1, 384, 385, MAX_SPEC_BYTES, MAX_SPEC_BYTES + 1])];
                terms.spec = Native.sha256(spec);
            }
            17 => model.name = dice.of_these(&[String::new(), "n".repeat(64), "n".repeat(65)]),
            18 => model.licence = dice.of_these(&[String::new(), "MIT\n".into(), "l".repeat(64)]),
            19 => model.royalty_bp = dice.of_these(&[10_000, 10_001, u16::MAX]),
            20 => *datasets = dice.of_these(&[vec![], vec![Hash([0xd1; 32])], vec![Hash([0xee; 32])]]),
            21 => model.parent = Some(dice.hash()),
            // Whoever seals a secret that it does not know cannot be honest.
            22 if self.is_honest(client) => terms.payment += 1,
            22 => terms.sealed_secret = dice.hash(),
            _ => *datasets = vec![Hash([0xd0; 32]), Hash([0xd1; 32])],
        }
    }

    /// An operator says what it asks.
    pub fn offer_something(&mut self, dice: &mut Dice) {
        let who = dice.of_these(&[super::world::OPERATOR, RIVAL]);
        let note = dice.of_these(&[
            String::new(),
            "n".repeat(MAX_NOTE_BYTES),
            "n".repeat(MAX_NOTE_BYTES + 1),
            "a\u{85}b".to_owned(),
        ]);
        let offer = Offer {
            min_payment: dice.edge(),
            payment_per_segment: dice.edge(),
            max_stake: dice.of_these(&[None, Some(u128::MAX)]),
            max_data_bytes: u64::MAX,
            max_steps: u64::MAX,
            max_disk_bytes: u64::MAX,
            max_memory_bytes: u64::MAX,
            max_jobs: u32::MAX,
            min_train_seconds: u32::MAX,
            min_window_seconds: u32::MAX,
            note,
        };
        let offer = if dice.once_in(4) { None } else { Some(offer) };
        self.send(who, 0, Msg::PublishOffer { offer });
    }
}
