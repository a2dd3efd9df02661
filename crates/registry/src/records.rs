//! Putting datasets and models on record.

use crate::{
    ADMIN, DATASET_IDS, DATASETS, MARKET, MODEL_IDS, MODELS, OtherRegistry, PARENTS, PREDECESSOR, RegistryHost,
    add_edge, dataset, dataset_in_use, model, not_zero, reads, store_locations, store_terms, titles,
};
use alloc::vec::Vec;
use assay_protocol::{
    Address, Hash,
    commitment::model_id,
    registry::{
        DatasetRecord, Error, Event, MAX_DATASETS, ModelRecord, NamedParent, Node, Parent, RegisterDataset,
        RegisterModel, Royalty, WHOLE_BP, check_licence, check_locations, check_name,
    },
};

/// Binds the market that may register models, once and for good. Only the
/// admin, and only when the titles are bound to this registry: a market whose
/// models get no title would be of no use.
///
/// # Errors
/// [`Error::NotAdmin`], [`Error::MarketAlreadyBound`], [`Error::ZeroAddress`],
/// [`Error::TitlesNotBound`].
pub fn bind_market(host: &mut impl RegistryHost, market: Address) -> Result<(), Error> {
    if ADMIN.get(host, &()) != Some(host.caller()) {
        return Err(Error::NotAdmin);
    }
    if MARKET.get(host, &()).is_some() {
        return Err(Error::MarketAlreadyBound);
    }
    not_zero(&market)?;
    if host.titles_bound_to(titles(host)) != Some(host.address()) {
        return Err(Error::TitlesNotBound);
    }
    MARKET.set(host, &(), &market);
    host.emit(Event::MarketBound { market });
    Ok(())
}

/// Puts a dataset on record; its caller becomes the owner.
///
/// # Errors
/// [`Error::BadName`], those of
/// [`DatasetTerms::check`](assay_protocol::registry::DatasetTerms::check) and
/// [`check_locations`], [`Error::EmptyDataset`], [`Error::AlreadyRegistered`],
/// [`Error::InPredecessor`], [`Error::SelfParent`], [`Error::TooManyDatasets`],
/// [`Error::RepeatedDataset`], [`Error::UnknownDataset`],
/// [`Error::ShareRaised`], [`Error::RoyaltiesTooHigh`].
pub fn register_dataset(host: &mut impl RegistryHost, args: RegisterDataset) -> Result<(), Error> {
    let RegisterDataset { id, name, bytes, terms, locations, parents } = args;
    check_name(&name)?;
    terms.check()?;
    check_locations(&locations)?;
    if bytes == 0 {
        return Err(Error::EmptyDataset);
    }
    let node = Node::Dataset(id);
    not_taken(host, DATASETS.get(host, &id).is_some(), &node)?;
    let named: Vec<Hash> = parents.iter().map(|parent| parent.dataset).collect();
    if named.contains(&id) {
        return Err(Error::SelfParent);
    }
    check_distinct(&named)?;
    let parents = parents.iter().map(|parent| agreed(host, parent)).collect::<Result<Vec<Parent>, Error>>()?;
    if parents.iter().map(|parent| u32::from(parent.share_bp)).sum::<u32>() > u32::from(WHOLE_BP) {
        return Err(Error::RoyaltiesTooHigh);
    }

    store_terms(host, &terms);
    let owner = host.caller();
    let record = DatasetRecord {
        owner,
        name,
        bytes,
        terms,
        registered_at: host.now(),
        block: host.block_number(),
        locations: locations.len() as u8,
        withdrawn_at: None,
    };
    store_locations(host, node, &locations, 0);
    store_dataset(host, id, &record, &parents);
    host.emit(Event::DatasetRegistered { dataset: id, owner });
    Ok(())
}

/// Puts a model on record, lets its title be issued and gives its id. Only the
/// bound market, when a job is final.
///
/// # Errors
/// [`Error::NotMarket`], [`Error::BadName`], [`Error::BadLicence`],
/// [`Error::BadRoyalty`], [`Error::ZeroAddress`], [`Error::NoDataset`],
/// [`Error::TooManyDatasets`], [`Error::RepeatedDataset`],
/// [`Error::UnknownDataset`], [`Error::UnknownModel`],
/// [`Error::AlreadyRegistered`], [`Error::InPredecessor`],
/// [`Error::TitleRefused`].
pub fn register_model(host: &mut impl RegistryHost, args: RegisterModel) -> Result<Hash, Error> {
    let market = host.caller();
    if MARKET.get(host, &()) != Some(market) {
        return Err(Error::NotMarket);
    }
    check_name(&args.name)?;
    check_licence(&args.licence)?;
    if args.royalty_bp > WHOLE_BP {
        return Err(Error::BadRoyalty);
    }
    not_zero(&args.owner)?;
    // What was granted when the job was posted stays so: only that the inputs
    // are on record is asked again, which is for ever.
    check_made_from(&args.datasets)?;
    for id in &args.datasets {
        dataset(host, id)?;
    }
    if let Some(parent) = &args.parent {
        model(host, parent)?;
    }
    let id = model_id(host, &args.owner, &args.program, &args.final_state);
    let node = Node::Model(id);
    not_taken(host, MODELS.get(host, &id).is_some(), &node)?;

    let record = ModelRecord {
        first_owner: args.owner,
        name: args.name,
        licence: args.licence,
        program: args.program,
        final_state: args.final_state,
        artefact: args.artefact,
        market,
        job: args.job,
        operator: args.operator,
        segments: args.segments,
        segments_drawn: args.segments_drawn,
        segments_checked: args.segments_checked,
        royalty_bp: args.royalty_bp,
        registered_at: host.now(),
        block: host.block_number(),
        locations: 0,
    };
    let mut made_from: Vec<Node> = args.datasets.into_iter().map(Node::Dataset).collect();
    made_from.extend(args.parent.map(Node::Model));
    made_from.push(Node::Job { market, job: args.job });
    store_model(host, id, &record, &made_from);
    if !host.issue_title(titles(host), &id, args.owner) {
        return Err(Error::TitleRefused);
    }
    host.emit(Event::ModelRegistered { model: id, owner: args.owner, job: args.job, operator: args.operator });
    Ok(id)
}

/// Whether `client` may have a model made from these now: 1 to [`MAX_DATASETS`]
/// registered datasets, none twice and none withdrawn, each open to all, owned
/// by the client or granted to it; and a registered parent model if any. Gives
/// what their owners are to get, without those that ask for nothing.
///
/// # Errors
/// [`Error::NoDataset`], [`Error::TooManyDatasets`], [`Error::RepeatedDataset`],
/// [`Error::UnknownDataset`], [`Error::Withdrawn`], [`Error::NoGrant`],
/// [`Error::UnknownModel`].
pub fn check_inputs(
    host: &impl RegistryHost,
    client: Address,
    datasets: &[Hash],
    parent: Option<Hash>,
) -> Result<Vec<Royalty>, Error> {
    check_made_from(datasets)?;
    let mut royalties = Vec::new();
    for id in datasets {
        let record = dataset_in_use(host, id)?;
        let granted = || reads::grant(host, *id, client).is_some_and(|grant| grant.holds(host.now()));
        if !record.terms.open && record.owner != client && !granted() {
            return Err(Error::NoGrant(*id));
        }
        royalties.push(Royalty { node: Node::Dataset(*id), to: record.owner, share_bp: record.terms.royalty_bp });
    }
    if let Some(id) = parent {
        let record = model(host, &id)?;
        if record.royalty_bp > 0 {
            let to = reads::owner_of(host, id).ok_or(Error::UnknownModel(id))?;
            royalties.push(Royalty { node: Node::Model(id), to, share_bp: record.royalty_bp });
        }
    }
    royalties.retain(|royalty| royalty.share_bp > 0);
    Ok(royalties)
}

/// Stores a dataset's record with its edges.
pub(crate) fn store_dataset(host: &mut impl RegistryHost, id: Hash, record: &DatasetRecord, parents: &Vec<Parent>) {
    DATASETS.set(host, &id, record);
    DATASET_IDS.push(host, &(), &id);
    if !parents.is_empty() {
        PARENTS.set(host, &id, parents);
    }
    for parent in parents {
        add_edge(host, Node::Dataset(id), Node::Dataset(parent.dataset));
    }
}

/// Stores a model's record with its edges.
pub(crate) fn store_model(host: &mut impl RegistryHost, id: Hash, record: &ModelRecord, made_from: &[Node]) {
    MODELS.set(host, &id, record);
    MODEL_IDS.push(host, &(), &id);
    for from in made_from {
        add_edge(host, Node::Model(id), *from);
    }
}

/// Refuses an id that is on record here or in a predecessor: there its owner
/// would lose the record to whoever registers it anew.
fn not_taken(host: &impl RegistryHost, here: bool, node: &Node) -> Result<(), Error> {
    if here {
        return Err(Error::AlreadyRegistered);
    }
    match PREDECESSOR.get(host, &()) {
        Some(predecessor) if host.other(predecessor.registry).knows(node) => Err(Error::InPredecessor),
        _ => Ok(()),
    }
}

/// 1 to [`MAX_DATASETS`], none twice.
fn check_made_from(datasets: &[Hash]) -> Result<(), Error> {
    if datasets.is_empty() { Err(Error::NoDataset) } else { check_distinct(datasets) }
}

/// At most [`MAX_DATASETS`], none twice.
fn check_distinct(datasets: &[Hash]) -> Result<(), Error> {
    if datasets.len() > MAX_DATASETS {
        return Err(Error::TooManyDatasets);
    }
    match (1..datasets.len()).find(|index| datasets[..*index].contains(&datasets[*index])) {
        Some(index) => Err(Error::RepeatedDataset(datasets[index])),
        None => Ok(()),
    }
}

/// A parent with its royalty of now, unless that is above what the registrant agreed to.
fn agreed(host: &impl RegistryHost, parent: &NamedParent) -> Result<Parent, Error> {
    let NamedParent { dataset: id, most_bp } = *parent;
    let asked_bp = dataset(host, &id)?.terms.royalty_bp;
    if asked_bp > most_bp {
        return Err(Error::ShareRaised { dataset: id, asked_bp, most_bp });
    }
    Ok(Parent { dataset: id, share_bp: asked_bp })
}
