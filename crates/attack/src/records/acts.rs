//! What can happen: mostly small sets of ids and accounts, so that they meet.

use super::chain::{HOSTILE, RECEIVER, REGISTRIES, TITLES};
use super::msg::{Msg, Refusal};
use super::{ADMIN, MARKETS, World, hash, read};
use crate::history::Act;
use crate::market::Dice;
use assay_protocol::commitment::model_id;
use assay_protocol::hash::Native;
use assay_protocol::registry::{
    DatasetTerms, FOR_EVER, MAX_DATASETS, MAX_LOCATIONS, MAX_NAME_BYTES, MAX_TEXT_BYTES, NamedParent, Node,
    RegisterDataset, RegisterModel,
};
use assay_protocol::titles::Call;
use assay_protocol::{Address, Hash};
use assay_registry::records;

/// Acts about titles are numbered first.
pub const OF_TITLES: u8 = 8;
/// All acts.
pub const ALL: u8 = 26;

const ZERO: Address = Address([0; 20]);

fn data_id(number: usize) -> Hash {
    Hash([0xd0 + number as u8; 32])
}

fn program(number: usize) -> Hash {
    Hash([0x70 + number as u8; 32])
}

/// Whose jobs mostly run a program.
fn maker(number: usize) -> Address {
    Address([1 + (number as u8 + 1) % 4; 20])
}

fn made_id(number: usize) -> Hash {
    model_id(&Native, &maker(number), &program(number), &Hash([1; 32]))
}

/// Most acts are about few ids, so that they meet.
fn dice_bound(act: &Act) -> usize {
    if act.roll.is_multiple_of(3) { 6 } else { 4 }
}

impl<const TITLES_FIRST: bool> World<TITLES_FIRST> {
    /// Whoever may hold money, data or titles.
    pub(super) fn everybody(&self) -> Vec<Address> {
        let people = (1..=5).map(|number| Address([number; 20]));
        people.chain([ADMIN, RECEIVER, HOSTILE, MARKETS[0], MARKETS[1]]).collect()
    }

    fn location(dice: &mut Dice) -> Vec<String> {
        let one = |number: usize| format!("https://example.org/{number}");
        dice.of_these(&[
            vec![],
            vec![one(1)],
            vec![one(1), one(2)],
            (0..MAX_LOCATIONS).map(one).collect(),
            (0..=MAX_LOCATIONS).map(one).collect(),
            vec![one(1), one(1)],
            vec!["no url".to_owned()],
        ])
    }

    fn terms(dice: &mut Dice) -> DatasetTerms {
        let mut terms = DatasetTerms::open("CC-BY-4.0");
        if dice.below(3) > 0 {
            terms.open = false;
            terms.price = dice.of_these(&[None, Some(0), Some(1), Some(9_999), Some(1_000_000), Some(u128::MAX / 2)]);
            terms.access_seconds = dice.of_these(&[0, 1, 60, 1_000, u64::MAX]);
        }
        terms.royalty_bp = dice.of_these(&[0, 0, 1, 500, 3_333, 5_000, 10_000]);
        match dice.below(24) {
            0 => terms.licence = "LicenseRef-own".into(),
            1 => (terms.licence, terms.licence_text) = ("LicenseRef-own".into(), Some(Hash([1; 32]))),
            2 => terms.licence = "bad\nlicence".into(),
            3 => terms.royalty_bp = 10_001,
            4 => (terms.open, terms.price) = (true, Some(1)),
            _ => {}
        }
        terms
    }

    fn token(&self, at: usize, dice: &mut Dice) -> Hash {
        let order = &self.model.titles[at].order;
        match order.is_empty() || dice.once_in(8) {
            true => dice.of_these(&[made_id(0), made_id(5), Hash::default(), Hash([0xff; 32])]),
            false => dice.of_these(order),
        }
    }

    /// What most histories need: a dataset that anybody may use, for some one
    /// that is sold and owes shares to two others, and for transfers models.
    pub(super) fn begin(&mut self, with_shares: bool) {
        let mut register = |number: usize, share: u16, price: Option<u128>, parents: Vec<Hash>| {
            let (id, name, owner) = (data_id(number), "data".to_owned(), Address([1 + number as u8; 20]));
            let mut terms = DatasetTerms::open("CC0-1.0");
            (terms.open, terms.price, terms.royalty_bp) = (price.is_none(), price, share);
            let parents = parents.into_iter().map(|dataset| NamedParent { dataset, most_bp: 3_333 }).collect();
            let args = RegisterDataset { id, name, bytes: 1, terms, locations: vec![], parents };
            self.send(0, owner, 0, Msg::RegisterDataset { args: Box::new(args) });
        };
        register(0, 0, None, vec![]);
        if with_shares {
            register(1, 3_333, None, vec![]);
            register(2, 2_501, None, vec![]);
            register(3, 1, Some(10_007), vec![data_id(1), data_id(2)]);
        }
        let id = data_id(0);
        for number in 0..if TITLES_FIRST { 3 } else { 1 } {
            let args = Self::model(number, maker(number), vec![id]);
            self.send(0, MARKETS[0], 0, Msg::RegisterModel { args: Box::new(args) });
        }
    }

    fn model(number: usize, owner: Address, datasets: Vec<Hash>) -> RegisterModel {
        RegisterModel {
            owner,
            name: "a model".into(),
            licence: "MIT".into(),
            royalty_bp: 0,
            program: program(number),
            final_state: Hash([1; 32]),
            artefact: Hash([2; 32]),
            datasets,
            parent: None,
            job: 1,
            operator: owner,
            segments: 3,
            segments_drawn: 1,
            segments_checked: 1,
        }
    }

    /// Does an act.
    pub(super) fn act(&mut self, act: Act) {
        let mut dice = Dice::of(&act);
        let at = usize::from(act.about % 2);
        let everybody = self.everybody();
        let who = everybody[usize::from(act.who) % everybody.len()];
        let other =
            dice.of_these(&[everybody.clone(), vec![ZERO, TITLES[0], TITLES[1], REGISTRIES[0], RECEIVER]].concat());
        let id = data_id(dice.below(dice_bound(&act)));
        let data = self.model.registries[at].data.get(&id).cloned();
        let owner = data.as_ref().map_or(who, |data| if dice.once_in(6) { who } else { data.owner });
        let model = made_id(dice.below(4));
        let holder = self.model.owner_of(at, &model).filter(|_| !dice.once_in(6)).unwrap_or(who);
        match act.what % ALL {
            0..=3 => self.transfer_something(at, who, other, &mut dice),
            4 => {
                let token = self.token(at, &mut dice);
                let owner = self.model.titles[at].owners.get(&token).copied().unwrap_or(who);
                let by = dice.of_these(&[owner, owner, who]);
                self.send(at, by, 0, Msg::Titles(Call::Approve { to: other, token }));
            }
            5 => {
                let approved = dice.below(3) > 0;
                self.send(at, who, 0, Msg::Titles(Call::SetApprovalForAll { operator: other, approved }));
            }
            6 => self.false_titles(at, who, other, &mut dice),
            // Without a model there is nothing to transfer.
            7 | 8 | 25 => self.register_model(at, who, &mut dice),
            9 | 10 => self.register_dataset(at, id, who, &mut dice),
            11 => _ = self.send(at, owner, 0, Msg::SetTerms { dataset: id, terms: Self::terms(&mut dice) }),
            12 => {
                let royalty_bp = dice.of_these(&[0, 250, 10_000, 10_001]);
                self.send(at, holder, 0, Msg::SetRoyalty { model, royalty_bp });
            }
            13 => {
                let job = Node::Job { market: MARKETS[0], job: 1 };
                let (by, node) = dice.of_these(&[(owner, Node::Dataset(id)), (holder, Node::Model(model)), (who, job)]);
                self.send(at, by, 0, Msg::SetLocations { node, locations: Self::location(&mut dice) });
            }
            14 => _ = self.send(at, owner, 0, Msg::TransferDataset { dataset: id, to: other }),
            15 if dice.once_in(4) => _ = self.send(at, owner, 0, Msg::WithdrawLocations { dataset: id }),
            15 | 16 => {
                let now = self.model.now;
                let until = dice.of_these(&[now - 1, now, now + 10, now + 1_000, FOR_EVER]);
                let terms = dice.of_these(&[Hash([1; 32]), Hash([2; 32])]);
                self.send(at, owner, 0, Msg::GrantAccess { dataset: id, account: other, until, terms });
            }
            17..=19 => {
                let terms = data.as_ref().map_or(Hash::default(), |data| data.terms.hash(&Native));
                let terms = if dice.once_in(10) { Hash([9; 32]) } else { terms };
                let price = data.and_then(|data| data.terms.price).unwrap_or(1);
                let value = if dice.once_in(10) { dice.edge() } else { price };
                self.send(at, who, value, Msg::BuyAccess { dataset: id, terms });
            }
            20 => _ = self.send(at, who, 0, Msg::Withdraw),
            21 => {
                let text =
                    dice.of_these(&["fine".to_owned(), "t".repeat(MAX_TEXT_BYTES), "t".repeat(MAX_TEXT_BYTES + 1)]);
                let job = Node::Job { market: MARKETS[0], job: 1 };
                let node = dice.of_these(&[Node::Dataset(id), Node::Dataset(id), Node::Model(model), job]);
                self.send(at, who, 0, Msg::AddStatement { node, text });
            }
            22 => self.import_something(at, id, model, other, &mut dice),
            23 => self.ask_for_inputs(at, who, &mut dice),
            _ => self.again_or_later(who, &mut dice),
        }
    }

    fn transfer_something(&mut self, at: usize, who: Address, to: Address, dice: &mut Dice) {
        let token = self.token(at, dice);
        let titles = &self.model.titles[at];
        let owner = titles.owners.get(&token).copied().unwrap_or(who);
        let approved = titles.approved.get(&token).copied().unwrap_or(who);
        let from = if dice.once_in(8) { who } else { owner };
        let by = dice.of_these(&[owner, owner, owner, approved, who]);
        // The way of a title to the successor.
        let to = if at == 0 && dice.once_in(4) { TITLES[1] } else { to };
        let call = match dice.below(3) {
            0 => Call::TransferFrom { from, to, token },
            1 => Call::SafeTransferFrom { from, to, token },
            _ => Call::SafeTransferFromWith { from, to, token, data: vec![1, 2, 3] },
        };
        // Contracts send no messages of their own here.
        if !TITLES.contains(&by) && !REGISTRIES.contains(&by) {
            self.send(at, by, 0, Msg::Titles(call));
        }
    }

    fn false_titles(&mut self, at: usize, who: Address, to: Address, dice: &mut Dice) {
        let token = self.token(at, dice);
        let call = match dice.below(6) {
            0 => Call::Mint { to, token },
            1 | 2 => Call::OnErc721Received { operator: who, from: to, token, data: vec![] },
            3 => Call::BindRegistry { registry: dice.of_these(&REGISTRIES) },
            4 => {
                for call in [Call::BalanceOf { owner: ZERO }, Call::TokenByIndex { index: u128::MAX }] {
                    let refusal = read(&self.nest, at, call).expect_err("there is no such thing");
                    self.count_refusal("a read", &Refusal::Titles(refusal));
                }
                return;
            }
            _ => {
                let market = dice.of_these(&[ZERO, who]);
                let who = dice.of_these(&[who, ADMIN]);
                self.send(at, who, 0, Msg::BindMarket { market });
                return;
            }
        };
        let who = dice.of_these(&[who, who, ADMIN]);
        self.send(at, who, 0, Msg::Titles(call));
    }

    fn inputs(dice: &mut Dice) -> Vec<Hash> {
        let mut ids: Vec<Hash> = (0..dice.of_these(&[0, 1, 1, 1, 2, 2, 3])).map(|_| data_id(dice.below(4))).collect();
        if dice.once_in(24) {
            ids = (0..=MAX_DATASETS).map(data_id).collect();
        }
        ids
    }

    fn register_dataset(&mut self, at: usize, id: Hash, who: Address, dice: &mut Dice) {
        let name = dice.of_these(&["data", "data", "data", "data", "", " data"]).to_owned();
        let name = if dice.once_in(8) { "n".repeat(MAX_NAME_BYTES) } else { name };
        let mut known: Vec<Hash> = self.model.registries[at].data.keys().copied().collect();
        known.truncate(dice.below(4));
        let any = Self::inputs(dice);
        let parents = dice.of_these(&[vec![], any, known.clone(), known]);
        let bytes = if dice.once_in(16) { 0 } else { 1 };
        let (terms, locations) = (Self::terms(dice), Self::location(dice));
        let parents = parents.into_iter().map(|dataset| self.named(at, dataset, dice)).collect();
        let args = RegisterDataset { id, name, bytes, terms, locations, parents };
        self.send(at, who, 0, Msg::RegisterDataset { args: Box::new(args) });
    }

    /// A parent, with mostly as much as its owner asks for, or all.
    fn named(&self, at: usize, dataset: Hash, dice: &mut Dice) -> NamedParent {
        let asked = self.model.registries[at].data.get(&dataset).map_or(0, |data| data.terms.royalty_bp);
        NamedParent { dataset, most_bp: dice.of_these(&[asked, asked, asked, 10_000, 10_000, asked.saturating_sub(1)]) }
    }

    fn register_model(&mut self, at: usize, who: Address, dice: &mut Dice) {
        let number = dice.below(4);
        let owner = if dice.once_in(4) { who } else { maker(number) };
        let mut args = Self::model(number, owner, Self::inputs(dice));
        args.royalty_bp = dice.of_these(&[0, 100, 10_000]);
        args.parent = dice.of_these(&[None, None, Some(made_id(0)), Some(made_id(1))]);
        match dice.below(24) {
            0 => args.owner = ZERO,
            1 => args.licence.clear(),
            2 => args.royalty_bp = 10_001,
            3 => args.name.clear(),
            _ => {}
        }
        let by = if dice.once_in(8) { who } else { MARKETS[at] };
        self.send(at, by, 0, Msg::RegisterModel { args: Box::new(args) });
    }

    fn import_something(&mut self, at: usize, dataset: Hash, model: Hash, account: Address, dice: &mut Dice) {
        let at = if dice.once_in(8) { at } else { 1 };
        let who = Address([1; 20]);
        match dice.below(4) {
            0 | 1 => self.send(at, who, 0, Msg::ImportDataset { dataset }),
            2 => self.send(at, who, 0, Msg::ImportModel { model }),
            _ => {
                let known = self.model.registries[0].grants.keys().copied().collect::<Vec<_>>();
                let (dataset, account) = if known.is_empty() { (dataset, account) } else { dice.of_these(&known) };
                self.send(at, who, 0, Msg::ImportGrant { dataset, account })
            }
        };
    }

    /// What a market asks before it takes a job.
    fn ask_for_inputs(&mut self, at: usize, client: Address, dice: &mut Dice) {
        let (ids, parent) = (Self::inputs(dice), dice.of_these(&[None, Some(made_id(0)), Some(made_id(1))]));
        let expected = self.model.inputs(at, client, &ids, parent);
        let frame = super::chain::Frame::read(&self.nest, REGISTRIES[at]);
        match (records::check_inputs(&frame, client, &ids, parent), expected) {
            (Ok(shown), Ok(own)) => {
                assert_eq!(shown, own, "royalties of {ids:?}");
                self.coverage.count("accepted", hash("check_inputs"), || "check_inputs".into());
            }
            (Err(error), Err(due)) => {
                assert!(due.contains(&error.clone().into()), "refused: {error:?}, due: {due:?}");
                self.count_refusal("check_inputs", &Refusal::Registry(error));
            }
            (shown, own) => panic!("inputs {ids:?} of {client}: {shown:?}, and should be {own:?}"),
        }
    }

    /// Time passes, or a message that was taken comes again.
    fn again_or_later(&mut self, who: Address, dice: &mut Dice) {
        if dice.once_in(2) {
            let mut nest = self.nest.borrow_mut();
            nest.chain.now += dice.of_these(&[1, 1, 9, 10, 10, 60, 1_000]);
            nest.chain.block += 1;
            self.model.now = nest.chain.now;
            return;
        }
        if self.log.is_empty() {
            return;
        }
        let (at, by, value, msg) = dice.of_these(&self.log);
        let (at, by) = dice.of_these(&[(at, by), (at, who), (1 - at, by)]);
        // A market is a contract: nobody speaks for it but itself.
        if !matches!(msg, Msg::RegisterModel { .. }) || MARKETS[at] != by || dice.once_in(2) {
            self.send(at, by, value, msg);
        }
    }

    /// Whoever has credit takes it; nothing is left.
    pub(super) fn take_everything_out(&mut self) {
        for at in 0..2 {
            for who in self.everybody() {
                if let Some(credit) = self.model.registries[at].credits.get(&who).copied() {
                    assert_eq!(self.send(at, who, 0, Msg::Withdraw), Some(credit), "{who} takes its credit");
                }
            }
            // What is credited to a contract that never asks for it stays.
            let stuck: u128 = self.model.registries[at].credits.values().sum();
            assert_eq!(self.model.registries[at].held, stuck, "nothing else is left");
        }
    }
}
