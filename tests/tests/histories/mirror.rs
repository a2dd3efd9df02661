//! The market on the node and the market's logic in memory: a message goes to
//! both, and they must agree.

use anyhow::{Context, bail, ensure};
use assay_attack::market::{MarketChain, Msg, NAMES};
use assay_client::market::MarketError;
use assay_client::submit::Receipt;
use assay_client::{Amount, CallError, Signer};
use assay_e2e::{CLIENT, DEPLOYER, Hostile, OPERATOR, OTHER_OPERATOR, VERIFIERS, World};
use assay_market::{reads, rules};
use assay_protocol::commitment::JobId;
use assay_protocol::market::{BURN_ADDRESS, Commit, Error, Job, Role, State};
use assay_protocol::registry::{DatasetTerms, RegisterDataset};
use assay_protocol::{Address, Hash};
use std::collections::BTreeMap;

/// The longest window of this market, in seconds: stake unbonds for twice as long.
pub const LONGEST_WINDOW: u32 = 10;
/// A dataset whose owner gets a share of each payment, and that share in basis points.
pub const ROYAL: Hash = Hash([0xd1; 32]);
const ROYALTY_BP: u16 = 333;

/// Places in [`Mirror::people`].
pub const BOB: usize = 0;
/// Trains honestly.
pub const HONEST: usize = 1;
/// Trains as it likes.
pub const RIVAL: usize = 2;
/// Challenges, demands and moves jobs on; owns the datasets.
pub const STRANGER: usize = 3;
/// The first verifier; the others follow.
pub const FIRST_VERIFIER: usize = 4;

/// The chain and its mirror.
pub struct Mirror {
    /// The chain.
    pub world: World,
    /// The same market in memory.
    pub memory: MarketChain,
    /// Everybody.
    pub people: Vec<Signer>,
    /// How often each message was taken and refused, by its name.
    pub counts: BTreeMap<&'static str, [u32; 2]>,
    /// Reasons of refusals, by the name of the error.
    pub reasons: BTreeMap<String, u32>,
    hostile: Hostile,
}

/// The name of an error without what it holds.
fn name(error: &Error) -> String {
    let text = format!("{error:?}");
    text.split(['(', ' ', '{']).next().unwrap_or_default().to_owned()
}

impl Mirror {
    /// A chain with the contracts, and a mirror of it; nobody has staked.
    pub async fn open() -> anyhow::Result<Self> {
        let world = World::start_with(LONGEST_WINDOW).await?;
        let mut people = Vec::new();
        for suri in [CLIENT, OPERATOR, OTHER_OPERATOR, DEPLOYER].into_iter().chain(VERIFIERS).chain(["//Assay2"]) {
            people.push(world.signer(suri).await?);
        }
        let owner = people[STRANGER].address();
        let dataset = RegisterDataset {
            id: ROYAL,
            name: "royal".into(),
            bytes: 1,
            terms: DatasetTerms { royalty_bp: ROYALTY_BP, ..DatasetTerms::open("CC0-1.0") },
            locations: vec![],
            parents: vec![],
        };
        world.registry.register_dataset(&dataset).execute(&people[STRANGER]).await?;
        let mut memory = MarketChain::default();
        memory.chain.address = world.market.address();
        memory.registry.datasets = vec![(world.dataset, owner, 0), (ROYAL, owner, ROYALTY_BP)];
        let on_chain = world.market.rules().await?;
        rules::deploy(&mut memory, on_chain.registry, LONGEST_WINDOW).map_err(|error| anyhow::anyhow!("{error}"))?;
        ensure!(on_chain == reads::rules(&memory), "the rules differ");
        let hostile = Hostile::deploy(&world.chain, &people[STRANGER]).await?;
        Ok(Self { world, memory, people, counts: BTreeMap::new(), reasons: BTreeMap::new(), hostile })
    }

    /// Where the market is.
    pub fn market(&self) -> Address {
        self.memory.chain.address
    }

    /// By what seals name a job.
    pub fn job_id(&self, number: u64) -> JobId {
        JobId { market: self.market(), number }
    }

    /// The address of somebody.
    pub fn address(&self, who: usize) -> Address {
        self.people[who].address()
    }

    /// Who has this address.
    pub fn who(&self, address: Address) -> Option<usize> {
        self.people.iter().position(|person| person.address() == address)
    }

    /// Where a job stands, by the mirror.
    pub fn job(&self, id: u64) -> anyhow::Result<Job> {
        Ok(reads::job(&self.memory, id).with_context(|| format!("no job {id}"))?.job)
    }

    /// Sends a message to both. They must take or refuse it alike; then all that
    /// it may have touched is compared. Gives whether it was taken.
    pub async fn send(&mut self, who: usize, value: u128, msg: Msg) -> anyhow::Result<bool> {
        let (sender, chain) = (self.people[who].clone(), self.world.chain.clone());
        let (before, block) = (chain.now().await?, chain.latest().await?.number);
        let kind = NAMES[msg.kind()];
        let what = || format!("{kind} by {who} with {value}: {msg:?}");
        let posted = matches!(msg, Msg::PostJob { .. }).then_some(reads::jobs(&self.memory, 0, 1).total.into());
        match self.execute(&sender, value, &msg).await {
            Ok(receipt) => {
                self.memory.chain.now = chain.time_at(receipt.block.hash).await?;
                self.memory.chain.block = u32::try_from(receipt.block.number)?;
                self.know_draw_block(&msg).await?;
                self.memory.begin(sender.address(), value);
                let mirrored = msg.send(&mut self.memory);
                ensure!(mirrored.is_ok(), "{}\ntaken by the chain, refused by the logic: {mirrored:?}", what());
                self.counts.entry(kind).or_default()[0] += 1;
                self.compare(msg.job().or(posted)).await.with_context(what)?;
                Ok(true)
            }
            Err(CallError::Refused { reason, .. }) => {
                let after = chain.now().await?;
                self.memory.chain.block = u32::try_from(block)?;
                let mut answers = Vec::new();
                // It was refused at one of these seconds.
                for now in before..=after {
                    self.memory.chain.now = now;
                    self.memory.begin(sender.address(), value);
                    answers.push(msg.send(&mut self.memory).map(drop));
                    self.memory.revert();
                }
                ensure!(
                    answers.contains(&Err(reason.clone())),
                    "{}\nrefused by the chain: {reason:?}, by the logic from {before} to {after}: {answers:?}",
                    what()
                );
                self.counts.entry(kind).or_default()[1] += 1;
                *self.reasons.entry(name(&reason)).or_default() += 1;
                Ok(false)
            }
            Err(CallError::Failed(error)) => Err(error).with_context(what),
        }
    }

    async fn execute(&self, by: &Signer, value: u128, msg: &Msg) -> Result<Receipt, MarketError> {
        let (market, value) = (&self.world.market, Amount(value));
        match msg {
            Msg::Stake { role, endpoint } => market.stake(*role, endpoint.as_deref(), value).execute(by).await,
            Msg::Unstake { role, amount } => market.unstake(*role, Amount(*amount)).execute(by).await,
            Msg::Collect { role } => market.collect(*role).execute(by).await,
            Msg::PublishOffer { offer } => market.publish_offer(offer.as_ref()).execute(by).await,
            Msg::Withdraw => market.withdraw().execute(by).await,
            Msg::WithdrawBurned => market.withdraw_burned().execute(by).await,
            Msg::PostJob { args } => market.post_job(args).value(value).execute(by).await,
            Msg::Cancel { job } => market.cancel(*job).execute(by).await,
            Msg::Enlist { job, sealed, bond } => market.enlist(*job, *sealed, Amount(*bond)).execute(by).await,
            Msg::RevealSecret { job, secret } => market.reveal_secret(*job, *secret).execute(by).await,
            Msg::Release { job } => market.release(*job).execute(by).await,
            Msg::Claim { job } => market.claim(*job).execute(by).await,
            Msg::HandBack { job } => market.hand_back(*job).execute(by).await,
            Msg::Commit { job, root } => market.commit(*job, &Commit { root: *root }).execute(by).await,
            Msg::Open { job, opening } => market.open(*job, opening).execute(by).await,
            Msg::Attest { job, slot, seal } => market.attest(*job, *slot, *seal).execute(by).await,
            Msg::ReportUnavailable { job, slot, tensor, chunk } => {
                market.report_unavailable(*job, *slot, *tensor, *chunk).execute(by).await
            }
            Msg::RevealTraces { job, traces } => market.reveal_traces(*job, traces).execute(by).await,
            Msg::Insist { job, slot, trace } => market.insist(*job, *slot, *trace).execute(by).await,
            Msg::Challenge { job, challenge } => market.challenge(*job, challenge, value).execute(by).await,
            Msg::PanelSeal { job, seal } => market.panel_seal(*job, *seal).execute(by).await,
            Msg::PanelReveal { job, outcome } => market.panel_reveal(*job, outcome).execute(by).await,
            Msg::Demand { job, wanted } => market.demand(*job, *wanted, value).execute(by).await,
            Msg::Answer { job, number, answer } => market.answer(*job, *number, answer).execute(by).await,
            Msg::Advance { job } => market.advance(*job).execute(by).await,
            Msg::Register { job } => market.register(*job).execute(by).await,
        }
    }

    /// Tells the mirror the hash of the block that a draw waits for, as contracts see it.
    async fn know_draw_block(&mut self, msg: &Msg) -> anyhow::Result<()> {
        let Msg::Advance { job } = msg else { return Ok(()) };
        let Some(block) = self.job(*job)?.draw_block else { return Ok(()) };
        loop {
            let latest = u32::try_from(self.world.chain.latest().await?.number)?;
            // The next block may come before the answer.
            let back: Vec<u32> = (latest - block..=latest - block + 2).collect();
            let (now, hashes) = self.hostile.blocks(&back).await?;
            let Some(at) = back.iter().position(|back| now - back == block) else { continue };
            let hash = hashes[at].with_context(|| format!("the chain has forgotten block {block}"))?;
            self.memory.chain.hashes.insert(block, hash);
            return Ok(());
        }
    }

    /// Waits until chain time is past `second`.
    pub async fn past(&self, second: u64) -> anyhow::Result<()> {
        let mut blocks = self.world.chain.blocks();
        while self.world.chain.now().await? <= second {
            blocks.next().await?;
        }
        Ok(())
    }

    /// Everything of a job, and all money.
    async fn compare(&self, job: Option<u64>) -> anyhow::Result<()> {
        let (market, memory) = (&self.world.market, &self.memory);
        if let Some(id) = job {
            let (job, slots, seats, demands) =
                tokio::try_join!(market.job(id), market.slots(id), market.seats(id), market.demands(id))?;
            same("the job", job, reads::job(memory, id))?;
            same("its slots", slots, reads::slots(memory, id))?;
            same("its seats", seats, reads::seats(memory, id))?;
            same("its demands", demands, reads::demands(memory, id))?;
            let verifiers = self.people[FIRST_VERIFIER..].iter().map(Signer::address);
            for who in verifiers {
                same("a part", market.enlistment(id, who).await?, reads::enlistment(memory, id, who))?;
            }
        }
        let mut money = 0;
        let (operators, verifiers) = tokio::try_join!(market.operators(0, 25), market.verifiers(0, 25))?;
        for (_, standing) in operators.items.iter().chain(&verifiers.items) {
            money += standing.stake + standing.unbonding;
        }
        same("the operators", operators, reads::standings(memory, Role::Operator, 0, 25))?;
        same("the verifiers", verifiers, reads::standings(memory, Role::Verifier, 0, 25))?;
        for who in self.people.iter().map(Signer::address).chain([BURN_ADDRESS]) {
            let credit = market.credit(who).await?;
            same("a credit", credit.0, reads::credit(memory, who))?;
            money += credit.0;
        }
        for id in 0..u64::from(reads::jobs(memory, 0, 1).total) {
            // Of other jobs than this one the mirror knows: they were compared, and nobody has touched them.
            money += self.job(id)?.held;
        }
        same("the balance", self.world.chain.address_balance(market.address()).await?.0, money)
    }

    /// Everybody leaves with all that is theirs, and nothing is left.
    pub async fn empty(&mut self) -> anyhow::Result<()> {
        let jobs = u64::from(reads::jobs(&self.memory, 0, 1).total);
        let everybody = 0..self.people.len();
        for (id, who) in (0..jobs).flat_map(|id| everybody.clone().map(move |who| (id, who))) {
            if reads::enlistment(&self.memory, id, self.address(who)).is_some() {
                ensure!(self.send(who, 0, Msg::Release { job: id }).await?, "{who} gets its bond back");
            }
        }
        let standing =
            |mirror: &Self, role, who| reads::standing(&mirror.memory, role, mirror.address(who)).unwrap_or_default();
        let roles: Vec<(Role, usize)> =
            everybody.clone().flat_map(|who| [(Role::Operator, who), (Role::Verifier, who)]).collect();
        let mut unbonded = 0;
        for (role, who) in roles.clone() {
            let amount = standing(self, role, who).stake;
            if amount > 0 {
                ensure!(self.send(who, 0, Msg::Unstake { role, amount }).await?, "{who} takes its stake back");
            }
            unbonded = unbonded.max(standing(self, role, who).unbonds_at);
        }
        self.past(unbonded).await?;
        for (role, who) in roles {
            if standing(self, role, who).unbonding > 0 {
                ensure!(self.send(who, 0, Msg::Collect { role }).await?, "{who} gets its stake back");
            }
        }
        for who in everybody {
            if reads::credit(&self.memory, self.address(who)) > 0 {
                ensure!(self.send(who, 0, Msg::Withdraw).await?, "{who} gets its money");
            }
        }
        if reads::credit(&self.memory, BURN_ADDRESS) > 0 {
            ensure!(self.send(STRANGER, 0, Msg::WithdrawBurned).await?, "what was burned goes");
        }
        for id in 0..jobs {
            self.compare(Some(id)).await?;
        }
        let left = self.world.chain.address_balance(self.world.market.address()).await?;
        same("what is left", left, Amount::ZERO)
    }

    /// How the jobs ended.
    pub fn ends(&self) -> Vec<State> {
        let jobs = u64::from(reads::jobs(&self.memory, 0, 1).total);
        (0..jobs).filter_map(|id| self.job(id).ok()).map(|job| job.state).collect()
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, chain: T, logic: T) -> anyhow::Result<()> {
    if chain != logic {
        bail!("{what} differs\non the chain: {chain:?}\nin the logic: {logic:?}");
    }
    Ok(())
}
