//! ERC-721: owners, approvals, transfers, receivers. (The exchange of a predecessor's titles
//! is tested in `crates/registry`, too, with both registries.)

use assay_protocol::{
    Address, Hash,
    hash::Sha256,
    host::{Host, MemoryHost},
    registry::{ModelRecord, Predecessor},
    titles::{Answer, Call, Error, Event},
};
use assay_titles::{TitlesHost, handle, init};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const ADMIN: Address = Address([0xad; 20]);
const REGISTRY: Address = Address([0xe1; 20]);
const TITLES: Address = Address([0xf1; 20]);
const ALICE: Address = Address([0xa1; 20]);
const BOB: Address = Address([0xb0; 20]);
const CAROL: Address = Address([0xca; 20]);
const ZERO: Address = Address([0; 20]);
const TOKEN: Hash = Hash([7; 32]);
/// A model whose record the registry has copied from its predecessor.
const IMPORTED: Hash = Hash([9; 32]);

/// How a contract answers when it is sent a token.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Receiver {
    Takes,
    Refuses,
    /// Transfers the token on before it answers. (The chain refuses re-entry;
    /// nothing rests on that.)
    CallsBack,
}

/// Titles at one address, a registry and receivers that only answer.
#[derive(Clone, Default)]
struct World {
    memory: MemoryHost,
    receivers: BTreeMap<Address, Receiver>,
    /// What receivers were told, and who owned the token then.
    told: Vec<(Call, Address)>,
    events: Vec<Event>,
    /// The registry's predecessor.
    predecessor: Option<Predecessor>,
}

impl World {
    /// Bound, with `TOKEN` issued to Alice.
    fn new() -> Self {
        let mut world = World::default();
        world.memory.caller = ADMIN;
        init(&mut world);
        world.send(ADMIN, Call::BindRegistry { registry: REGISTRY }).unwrap();
        world.send(REGISTRY, Call::Mint { to: ALICE, token: TOKEN }).unwrap();
        world
    }

    /// Sends a message; one that is refused leaves no trace, as on a chain.
    fn send(&mut self, by: Address, call: Call) -> Result<Answer, Error> {
        let before = self.clone();
        self.memory.caller = by;
        // As it goes over the wire.
        let call = Call::decode(&call.encode()).unwrap();
        let result = handle(self, call);
        if let Err(error) = result {
            assert_eq!(Error::decode(&error.encode()), Some(error));
            *self = before;
        }
        result
    }

    fn owner(&mut self, token: Hash) -> Result<Answer, Error> {
        self.send(BOB, Call::OwnerOf { token })
    }

    fn balance(&mut self, owner: Address) -> Answer {
        self.send(BOB, Call::BalanceOf { owner }).unwrap()
    }
}

impl Sha256 for World {
    fn sha256(&self, bytes: &[u8]) -> Hash {
        self.memory.sha256(bytes)
    }
}

impl Host for World {
    fn address(&self) -> Address {
        TITLES
    }
    fn caller(&self) -> Address {
        self.memory.caller
    }
    fn value(&self) -> u128 {
        0
    }
    fn now(&self) -> u64 {
        0
    }
    fn block_number(&self) -> u32 {
        0
    }
    fn block_hash(&self, _: u32) -> Option<Hash> {
        None
    }
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.memory.get(key)
    }
    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.memory.set(key, value);
    }
    fn remove(&mut self, key: &[u8]) {
        self.memory.remove(key);
    }
}

impl TitlesHost for World {
    fn titles_of(&self, registry: Address) -> Option<Address> {
        // At Carol's address is a registry with titles of its own.
        match registry {
            REGISTRY => Some(TITLES),
            CAROL => Some(CAROL),
            TITLES => panic!("a contract cannot ask itself"),
            _ => None,
        }
    }
    fn model(&self, _: Address, _: &Hash) -> Option<ModelRecord> {
        None
    }
    fn predecessor(&self, registry: Address) -> Option<Predecessor> {
        self.predecessor.filter(|_| registry == REGISTRY)
    }
    fn is_imported(&self, _: Address, token: &Hash) -> bool {
        *token == IMPORTED
    }
    fn receives(&mut self, receiver: Address, call: &Call) -> bool {
        let Some(kind) = self.receivers.get(&receiver).copied() else { return true };
        let Ok(Answer::Address(owner)) = handle(self, Call::OwnerOf { token: TOKEN }) else {
            panic!("the token has gone")
        };
        self.told.push((call.clone(), owner));
        if kind == Receiver::CallsBack {
            let caller = std::mem::replace(&mut self.memory.caller, receiver);
            assert_eq!(handle(self, transfer(receiver, BOB)), Ok(Answer::Done));
            self.memory.caller = caller;
        }
        kind != Receiver::Refuses
    }
    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

fn transfer(from: Address, to: Address) -> Call {
    Call::TransferFrom { from, to, token: TOKEN }
}

#[test]
fn only_the_bound_registry_issues_titles() {
    let mut world = World::default();
    world.memory.caller = ADMIN;
    init(&mut world);
    let mint = |to, token| Call::Mint { to, token };
    assert_eq!(world.send(BOB, Call::Registry), Ok(Answer::Address(ZERO)));
    assert_eq!(world.send(BOB, Call::Admin), Ok(Answer::Address(ADMIN)));
    assert_eq!(world.send(REGISTRY, mint(ALICE, TOKEN)), Err(Error::RegistryNotBound));
    assert_eq!(world.send(BOB, Call::BindRegistry { registry: REGISTRY }), Err(Error::NotAdmin));
    for registry in [BOB, CAROL, TITLES] {
        assert_eq!(world.send(ADMIN, Call::BindRegistry { registry }), Err(Error::NotARegistry(registry)));
    }
    assert_eq!(world.send(ADMIN, Call::BindRegistry { registry: REGISTRY }), Ok(Answer::Done));
    assert_eq!(world.send(ADMIN, Call::BindRegistry { registry: REGISTRY }), Err(Error::RegistryAlreadyBound));
    assert_eq!(world.send(BOB, Call::Registry), Ok(Answer::Address(REGISTRY)));
    assert_eq!(world.send(ADMIN, mint(ALICE, TOKEN)), Err(Error::NotRegistry));
    assert_eq!(world.send(REGISTRY, mint(ZERO, TOKEN)), Err(Error::InvalidReceiver(ZERO)));
    assert_eq!(world.send(REGISTRY, mint(ALICE, TOKEN)), Ok(Answer::Done));
    assert_eq!(world.send(REGISTRY, mint(BOB, TOKEN)), Err(Error::InvalidSender(ZERO)));
    let issued = Event::Transfer { from: ZERO, to: ALICE, token: TOKEN };
    assert_eq!(world.events, [Event::RegistryBound { registry: REGISTRY }, issued]);
}

/// A client that is a contract cannot keep its job from ending by refusing the title.
#[test]
fn who_gets_a_new_title_is_not_asked() {
    let mut world = World::new();
    world.receivers.insert(BOB, Receiver::Refuses);
    assert_eq!(world.send(REGISTRY, Call::Mint { to: BOB, token: Hash([8; 32]) }), Ok(Answer::Done));
    assert!(world.told.is_empty());
}

#[test]
fn an_owner_transfers() {
    let mut world = World::new();
    assert_eq!(world.send(ALICE, transfer(ALICE, BOB)), Ok(Answer::Done));
    assert_eq!(world.events.last(), Some(&Event::Transfer { from: ALICE, to: BOB, token: TOKEN }));
    assert_eq!(world.owner(TOKEN), Ok(Answer::Address(BOB)));
    assert_eq!([ALICE, BOB].map(|owner| world.balance(owner)), [Answer::Number(0), Answer::Number(1)]);
    assert_eq!(world.send(BOB, transfer(BOB, BOB)), Ok(Answer::Done), "to itself");
    assert_eq!(world.balance(BOB), Answer::Number(1));
}

#[test]
fn a_balance_of_nothing_takes_no_storage() {
    let mut world = World::new();
    let stored = world.memory.storage.len();
    world.send(ALICE, transfer(ALICE, BOB)).unwrap();
    assert_eq!(world.memory.storage.len(), stored, "Bob's balance is in the place of Alice's");
}

#[test]
fn only_the_predecessors_title_of_an_imported_model_is_exchanged() {
    let mut world = World::new();
    let sent = |token| Call::OnErc721Received { operator: CAROL, from: CAROL, token, data: vec![] };
    assert_eq!(world.send(BOB, sent(IMPORTED)), Err(Error::NotPredecessor(BOB)), "there is none");
    world.predecessor = Some(Predecessor { registry: ALICE, titles: BOB });
    assert_eq!(world.send(ALICE, sent(IMPORTED)), Err(Error::NotPredecessor(ALICE)));
    assert_eq!(world.send(BOB, sent(Hash([8; 32]))), Err(Error::NotImported(Hash([8; 32]))));
    world.send(BOB, sent(IMPORTED)).unwrap();
    assert_eq!(world.owner(IMPORTED), Ok(Answer::Address(CAROL)));
    assert_eq!(world.send(BOB, sent(IMPORTED)), Err(Error::InvalidSender(ZERO)), "it has a title already");
}

#[test]
fn nobody_else_does() {
    let mut world = World::new();
    let unknown = Hash([9; 32]);
    assert_eq!(world.send(BOB, transfer(ALICE, BOB)), Err(Error::InsufficientApproval { operator: BOB, token: TOKEN }));
    assert_eq!(
        world.send(ALICE, transfer(BOB, CAROL)),
        Err(Error::IncorrectOwner { sender: BOB, token: TOKEN, owner: ALICE })
    );
    for to in [ZERO, TITLES] {
        assert_eq!(world.send(ALICE, transfer(ALICE, to)), Err(Error::InvalidReceiver(to)));
        let safe = Call::SafeTransferFrom { from: ALICE, to, token: TOKEN };
        assert_eq!(world.send(ALICE, safe), Err(Error::InvalidReceiver(to)));
    }
    let unknown_calls = [
        Call::OwnerOf { token: unknown },
        Call::GetApproved { token: unknown },
        Call::TokenUri { token: unknown },
        Call::Approve { to: BOB, token: unknown },
        Call::TransferFrom { from: ALICE, to: BOB, token: unknown },
        Call::SafeTransferFrom { from: ALICE, to: BOB, token: unknown },
    ];
    for call in unknown_calls {
        assert_eq!(world.send(ALICE, call.clone()), Err(Error::NonexistentToken(unknown)), "{call:?}");
    }
    assert_eq!(world.send(BOB, Call::BalanceOf { owner: ZERO }), Err(Error::InvalidOwner(ZERO)));
    // A title whose model the registry does not know has no description.
    assert_eq!(world.send(BOB, Call::TokenUri { token: TOKEN }), Err(Error::NonexistentToken(TOKEN)));
}

#[test]
fn an_approval_is_for_one_token_and_one_transfer() {
    let mut world = World::new();
    let approve = |to| Call::Approve { to, token: TOKEN };
    let approved = |world: &mut World| world.send(BOB, Call::GetApproved { token: TOKEN }).unwrap();
    assert_eq!(world.send(BOB, approve(BOB)), Err(Error::InvalidApprover(BOB)));
    assert_eq!(world.send(ALICE, approve(BOB)), Ok(Answer::Done));
    assert_eq!(world.events.last(), Some(&Event::Approval { owner: ALICE, approved: BOB, token: TOKEN }));
    assert_eq!(approved(&mut world), Answer::Address(BOB));
    // It lets Bob transfer, not pass the approval on.
    assert_eq!(world.send(BOB, approve(CAROL)), Err(Error::InvalidApprover(BOB)));
    assert_eq!(world.send(BOB, transfer(ALICE, CAROL)), Ok(Answer::Done));
    assert_eq!(approved(&mut world), Answer::Address(ZERO), "cleared by the transfer");
    assert_eq!(world.send(BOB, transfer(CAROL, BOB)), Err(Error::InsufficientApproval { operator: BOB, token: TOKEN }));
    // Taken back by approving nobody.
    world.send(CAROL, approve(BOB)).unwrap();
    let stored = world.memory.storage.len();
    world.send(CAROL, approve(ZERO)).unwrap();
    assert_eq!(world.memory.storage.len(), stored - 1);
    assert_eq!(approved(&mut world), Answer::Address(ZERO));
    assert!(world.send(BOB, transfer(CAROL, BOB)).is_err());
}

#[test]
fn an_operator_acts_for_all_tokens_of_its_owner() {
    let mut world = World::new();
    let all = |operator, approved| Call::SetApprovalForAll { operator, approved };
    let is = |world: &mut World, owner, operator| world.send(BOB, Call::IsApprovedForAll { owner, operator }).unwrap();
    assert_eq!(world.send(ALICE, all(ZERO, true)), Err(Error::InvalidOperator(ZERO)));
    assert_eq!(world.send(ALICE, all(BOB, true)), Ok(Answer::Done));
    let event = Event::ApprovalForAll { owner: ALICE, operator: BOB, approved: true };
    assert_eq!(world.events.last(), Some(&event));
    assert_eq!(is(&mut world, ALICE, BOB), Answer::Flag(true));
    assert_eq!(is(&mut world, BOB, ALICE), Answer::Flag(false));
    // It may approve others, and the approval survives the operator's.
    assert_eq!(world.send(BOB, Call::Approve { to: CAROL, token: TOKEN }), Ok(Answer::Done));
    let approval = Event::Approval { owner: ALICE, approved: CAROL, token: TOKEN };
    assert_eq!(world.events.last(), Some(&approval));
    assert_eq!(world.send(BOB, transfer(ALICE, BOB)), Ok(Answer::Done));
    // It was Alice's operator, and Bob owns the token now.
    assert!(world.send(ALICE, transfer(BOB, ALICE)).is_err());
    world.send(BOB, transfer(BOB, ALICE)).unwrap();
    world.send(ALICE, all(BOB, false)).unwrap();
    assert_eq!(is(&mut world, ALICE, BOB), Answer::Flag(false));
    assert!(world.send(BOB, transfer(ALICE, BOB)).is_err());
}

#[test]
fn a_receiving_contract_must_agree() {
    let mut world = World::new();
    let safe = |to| Call::SafeTransferFromWith { from: ALICE, to, token: TOKEN, data: vec![1, 2, 3] };
    world.receivers.insert(CAROL, Receiver::Refuses);
    let before = (world.memory.storage.clone(), world.events.clone());
    assert_eq!(world.send(ALICE, safe(CAROL)), Err(Error::InvalidReceiver(CAROL)));
    assert_eq!((world.memory.storage.clone(), world.events.clone()), before, "nothing is kept");
    world.receivers.insert(CAROL, Receiver::Takes);
    assert_eq!(world.send(ALICE, Call::Approve { to: BOB, token: TOKEN }), Ok(Answer::Done));
    assert_eq!(world.send(BOB, safe(CAROL)), Ok(Answer::Done));
    // It is told by whom, of whom, and everything is stored before.
    let received = Call::OnErc721Received { operator: BOB, from: ALICE, token: TOKEN, data: vec![1, 2, 3] };
    assert_eq!(world.told, [(received, CAROL)]);
    // An account is not asked, nor is anybody by a transfer that is not safe.
    world.send(CAROL, Call::SafeTransferFrom { from: CAROL, to: BOB, token: TOKEN }).unwrap();
    world.receivers.insert(CAROL, Receiver::Refuses);
    world.send(BOB, transfer(BOB, CAROL)).unwrap();
    assert_eq!(world.told.len(), 1);
}

/// Everything is stored before the receiver runs: what it does in between counts after it.
#[test]
fn a_receiver_that_calls_back_finds_itself_the_owner() {
    let mut world = World::new();
    world.receivers.insert(CAROL, Receiver::CallsBack);
    assert_eq!(world.send(ALICE, Call::Approve { to: BOB, token: TOKEN }), Ok(Answer::Done));
    let safe = Call::SafeTransferFrom { from: ALICE, to: CAROL, token: TOKEN };
    assert_eq!(world.send(ALICE, safe), Ok(Answer::Done));
    assert_eq!(world.owner(TOKEN), Ok(Answer::Address(BOB)));
    assert_eq!([ALICE, BOB, CAROL].map(|owner| world.balance(owner)), [0, 1, 0].map(Answer::Number));
    assert_eq!(world.send(BOB, Call::GetApproved { token: TOKEN }), Ok(Answer::Address(ZERO)));
}

#[test]
fn the_collection_describes_itself() {
    let mut world = World::new();
    let second = Hash([8; 32]);
    world.send(REGISTRY, Call::Mint { to: BOB, token: second }).unwrap();
    let texts = [Call::Name, Call::Symbol, Call::Kind].map(|call| world.send(BOB, call).unwrap());
    assert_eq!(texts, ["Assay models", "ASSAY", "titles"].map(|text| Answer::Text(text.into())));
    assert_eq!(world.send(BOB, Call::Version), Ok(Answer::Number(2)));
    assert_eq!(world.send(BOB, Call::TotalSupply), Ok(Answer::Number(2)));
    assert_eq!(world.send(BOB, Call::TokenByIndex { index: 1 }), Ok(Answer::Token(second)));
    for index in [2, 1 << 64, u128::MAX] {
        assert_eq!(world.send(BOB, Call::TokenByIndex { index }), Err(Error::OutOfBounds { index }));
    }
    let supports: [(u32, bool); 6] = [
        (0x01ffc9a7, true),
        (0x80ac58cd, true),
        (0x5b5e139f, true),
        (0x150b7a02, true),
        (0x780e9d63, false), // the enumeration by owner, which is not kept
        (0xffffffff, false),
    ];
    for (interface, expected) in supports {
        let call = Call::SupportsInterface { interface: interface.to_be_bytes() };
        assert_eq!(world.send(BOB, call), Ok(Answer::Flag(expected)), "{interface:x}");
    }
}

const ACCOUNTS: [Address; 4] = [ALICE, BOB, CAROL, ADMIN];

/// Owners and approvals as plain maps.
#[derive(Default)]
struct Model {
    owners: BTreeMap<Hash, Address>,
    approved: BTreeMap<Hash, Address>,
    operators: BTreeSet<(Address, Address)>,
}

fn call() -> impl Strategy<Value = (Address, Call)> {
    let account = || proptest::sample::select(&ACCOUNTS[..]);
    let token = || (1u8..5).prop_map(|byte| Hash([byte; 32]));
    let call = prop_oneof![
        (account(), token()).prop_map(|(to, token)| Call::Mint { to, token }),
        (account(), account(), token()).prop_map(|(from, to, token)| Call::TransferFrom { from, to, token }),
        (account(), account(), token()).prop_map(|(from, to, token)| Call::SafeTransferFrom { from, to, token }),
        (account(), token()).prop_map(|(to, token)| Call::Approve { to, token }),
        token().prop_map(|token| Call::Approve { to: ZERO, token }),
        (account(), any::<bool>()).prop_map(|(operator, approved)| Call::SetApprovalForAll { operator, approved }),
    ];
    (account(), call)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Random histories give what a model of plain maps gives.
    #[test]
    fn agrees_with_plain_maps(calls in proptest::collection::vec(call(), 1..120)) {
        let mut world = World::new();
        let mut model = Model::default();
        model.owners.insert(TOKEN, ALICE);
        for (by, call) in calls {
            let by = if matches!(call, Call::Mint { .. }) { REGISTRY } else { by };
            let accepted = world.send(by, call.clone()).is_ok();
            let acts = |owner: Address| owner == by || model.operators.contains(&(owner, by));
            let expected = match call {
                Call::Mint { to, token } => {
                    let new = !model.owners.contains_key(&token);
                    if new {
                        model.owners.insert(token, to);
                    }
                    new
                }
                Call::TransferFrom { from, to, token } | Call::SafeTransferFrom { from, to, token } => {
                    let may = model.owners.get(&token).is_some_and(|owner| {
                        *owner == from && (acts(*owner) || model.approved.get(&token) == Some(&by))
                    });
                    if may {
                        model.owners.insert(token, to);
                        model.approved.remove(&token);
                    }
                    may
                }
                Call::Approve { to, token } => {
                    let may = model.owners.get(&token).is_some_and(|owner| acts(*owner));
                    if may && to == ZERO {
                        model.approved.remove(&token);
                    } else if may {
                        model.approved.insert(token, to);
                    }
                    may
                }
                Call::SetApprovalForAll { operator, approved } => {
                    if approved {
                        model.operators.insert((by, operator));
                    } else {
                        model.operators.remove(&(by, operator));
                    }
                    true
                }
                _ => unreachable!(),
            };
            prop_assert_eq!(accepted, expected);
            for byte in (1u8..5).chain([TOKEN.0[0]]) {
                let token = Hash([byte; 32]);
                let owner = model.owners.get(&token).copied();
                prop_assert_eq!(world.owner(token).ok(), owner.map(Answer::Address));
                let approved = model.approved.get(&token).copied().unwrap_or(ZERO);
                let read = world.send(BOB, Call::GetApproved { token }).ok();
                prop_assert_eq!(read, owner.map(|_| Answer::Address(approved)));
            }
            for account in ACCOUNTS {
                let count = model.owners.values().filter(|owner| **owner == account).count();
                prop_assert_eq!(world.balance(account), Answer::Number(count as u128));
            }
            prop_assert_eq!(world.send(BOB, Call::TotalSupply), Ok(Answer::Number(model.owners.len() as u128)));
        }
    }
}
