//! Puts the node together: store, client, transaction pool, RPC, sealing.

use crate::{cli::Args, error::Error, executor::NativeExecutor, genesis, rpc, sealing, store::Store};
use assay_node_runtime::{Hash, Header, RuntimeApi};
use sc_basic_authorship::ProposerFactory;
use sc_network::{
    config::{FullNetworkConfiguration, NetworkBackendType, NetworkConfiguration},
    multiaddr::Protocol,
    NetworkWorker, NotificationMetrics,
};
use sc_service::{
    config::{ExecutorConfiguration, KeystoreConfig, OffchainWorkerConfig},
    BasePath, BlocksPruning, BuildGenesisBlock, BuildNetworkParams, Configuration, DatabaseSource, GenesisBlockBuilder,
    PruningMode, Role, RpcHandlers, SpawnTasksParams, TFullBackend, TFullClient, TaskManager, TracingReceiver,
};
use sc_transaction_pool::{TransactionPoolHandle, TransactionPoolOptions, TransactionPoolType};
use sp_blockchain::HeaderBackend;
use sp_core::storage::Storage;
use sp_database::{Database, MemDb};
use sp_runtime::{generic, OpaqueExtrinsic};
use std::sync::Arc;

/// A block as everything but the runtime sees it: a header and transactions that
/// are bytes. It has the same encoding as [`assay_node_runtime::Block`], but in
/// JSON its transactions are hex strings, as clients expect of every Substrate
/// chain; decoded ones would come out as arrays of numbers.
pub type Block = generic::Block<Header, OpaqueExtrinsic>;
/// Access to the chain.
pub type FullClient = TFullClient<Block, RuntimeApi, NativeExecutor>;
/// Blocks and state.
pub type FullBackend = TFullBackend<Block>;
/// Transactions that wait.
pub type Pool = TransactionPoolHandle<Block, FullClient>;

/// Bytes of recently used state kept in memory.
const STATE_CACHE_BYTES: usize = 64 * 1024 * 1024;
/// Transactions that may wait at a time.
const POOL_TRANSACTIONS: usize = 8192;
/// Bytes that waiting transactions may take up. A contract upload is up to 1 MiB.
const POOL_BYTES: usize = 256 * 1024 * 1024;

/// A running node.
pub struct Node {
    /// Owns everything that runs; dropping it stops the node.
    pub tasks: TaskManager,
    /// The port that the RPC server listens on.
    pub port: u16,
    /// The first block.
    pub genesis: Hash,
    /// The last block at start.
    pub height: u32,
}

/// Starts a node.
///
/// # Errors
/// See [`Error`].
pub fn start(args: &Args, tokio_handle: tokio::runtime::Handle) -> Result<Node, Error> {
    rpc::check_port(args.rpc_port)?;
    let storage = genesis::storage(&args.fund).map_err(Error::Genesis)?;
    let config = configuration(args, tokio_handle, database(args)?);
    let backend = sc_service::new_db_backend::<Block>(config.db_config())?;
    check_genesis(args, &backend, &storage)?;

    let genesis_builder =
        GenesisBlockBuilder::new_with_storage(storage, !config.no_genesis(), backend.clone(), NativeExecutor)?;
    let (client, backend, keystore, mut tasks) = sc_service::new_full_parts_with_genesis_builder::<
        Block,
        RuntimeApi,
        _,
        _,
    >(&config, None, NativeExecutor, backend, genesis_builder, false)?;
    let client = Arc::new(client);
    let pool = Arc::new(
        sc_transaction_pool::Builder::new(
            tasks.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .build(),
    );

    // The pool listens for blocks from here on; nothing may be made before.
    let (sealer, author) = sealing::new(
        client.clone(),
        pool.clone(),
        backend.clone(),
        ProposerFactory::new(tasks.spawn_handle(), client.clone(), pool.clone(), None, None),
    );
    let info = client.info();
    let handlers = spawn(config, &client, &backend, &keystore, &pool, &mut tasks)?;
    // A node that makes no more blocks had better stop.
    tasks.spawn_essential_handle().spawn("author", None, author);
    tasks.spawn_essential_handle().spawn("sealing", None, sealer.run(args.pace()));

    Ok(Node {
        tasks,
        port: listening_port(&handlers)
            .ok_or_else(|| sc_service::Error::Other("the RPC server has no address".into()))?,
        genesis: info.genesis_hash,
        height: info.best_number,
    })
}

/// Where the chain is kept.
fn database(args: &Args) -> Result<DatabaseSource, Error> {
    Ok(match &args.base_path {
        Some(folder) => in_use(Arc::new(Store::open(folder)?)),
        None => in_use(Arc::new(MemDb::default())),
    })
}

fn in_use(db: Arc<dyn Database<sc_client_db::DbHash>>) -> DatabaseSource {
    // The client writes the schema into a database only if it had to be created
    // for it, which this flag says of ours. The pruning mode is the schema's own
    // mark: it is written in one commit with the rest, so that a first start
    // which was cut short is made good by the next.
    const STATE_META_COLUMN: u32 = 2;
    const PRUNING_MODE: &[u8] = b"mode";
    let require_create_flag = !db.contains(STATE_META_COLUMN, PRUNING_MODE);
    DatabaseSource::Custom { db, require_create_flag }
}

/// Refuses to carry on a chain that began with another state: with other
/// balances, or under another runtime.
fn check_genesis(args: &Args, backend: &FullBackend, storage: &Storage) -> Result<(), Error> {
    let Some(path) = &args.base_path else { return Ok(()) };
    let blockchain = sc_client_api::Backend::blockchain(backend);
    let Some(stored) = blockchain.hash(0)? else { return Ok(()) };
    let expected = genesis_hash(storage.clone())?;
    if stored != expected {
        return Err(Error::OtherGenesis { path: path.clone(), stored, expected });
    }
    Ok(())
}

/// The hash of the first block that `storage` gives.
fn genesis_hash(storage: Storage) -> Result<Hash, Error> {
    let settings = sc_client_db::DatabaseSettings {
        trie_cache_maximum_size: None,
        state_pruning: Some(PruningMode::ArchiveAll),
        source: in_use(Arc::new(MemDb::default())),
        blocks_pruning: BlocksPruning::KeepAll,
        pruning_filters: Vec::new(),
        metrics_registry: None,
    };
    let scratch = sc_service::new_db_backend::<Block>(settings)?;
    let builder = GenesisBlockBuilder::<Block, _, _>::new_with_storage(storage, true, scratch, NativeExecutor)?;
    let (block, _operation) = builder.build_genesis_block()?;
    Ok(block.header.hash())
}

fn configuration(args: &Args, tokio_handle: tokio::runtime::Handle, database: DatabaseSource) -> Configuration {
    let version = env!("CARGO_PKG_VERSION");
    // No listen address and no peers: the network is there because the services
    // expect one.
    let mut network = NetworkConfiguration::new("assay-node", version, Default::default(), None);
    network.network_backend = NetworkBackendType::Libp2p;
    network.enable_dht_random_walk = false;
    // Nothing is written here: the store has its own path and the keystore is in
    // memory.
    let folder = args.base_path.clone().unwrap_or_default();
    Configuration {
        impl_name: "assay-node".into(),
        impl_version: version.into(),
        role: Role::Authority,
        tokio_handle,
        transaction_pool: TransactionPoolOptions::new_with_params(
            POOL_TRANSACTIONS,
            POOL_BYTES,
            None,
            TransactionPoolType::SingleState,
            // A transaction that failed once may be sent again at once.
            true,
            false,
        ),
        network,
        keystore: KeystoreConfig::InMemory,
        database,
        trie_cache_maximum_size: Some(STATE_CACHE_BYTES),
        warm_up_trie_cache: None,
        // Everything is kept, which is what the `archive` methods need.
        state_pruning: Some(PruningMode::ArchiveAll),
        blocks_pruning: BlocksPruning::KeepAll,
        chain_spec: Box::new(genesis::chain_spec()),
        executor: ExecutorConfiguration::default(),
        wasm_runtime_overrides: None,
        rpc: rpc::configuration(args.rpc_port),
        prometheus_config: None,
        telemetry_endpoints: None,
        offchain_worker: OffchainWorkerConfig { enabled: false, indexing_enabled: false },
        force_authoring: true,
        disable_grandpa: true,
        dev_key_seed: None,
        tracing_targets: None,
        tracing_receiver: TracingReceiver::Log,
        announce_block: false,
        data_path: folder.clone(),
        base_path: BasePath::new(folder),
    }
}

/// Starts the tasks that every Substrate node has, the RPC server among them.
#[expect(clippy::result_large_err, reason = "the builder of the server wants this error")]
fn spawn(
    config: Configuration,
    client: &Arc<FullClient>,
    backend: &Arc<FullBackend>,
    keystore: &sc_service::KeystoreContainer,
    pool: &Arc<Pool>,
    tasks: &mut TaskManager,
) -> Result<RpcHandlers, Error> {
    let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
        sc_service::build_network(BuildNetworkParams {
            net_config: FullNetworkConfiguration::<_, _, NetworkWorker<Block, Hash>>::new(&config.network, None),
            config: &config,
            client: client.clone(),
            transaction_pool: pool.clone(),
            spawn_handle: tasks.spawn_handle(),
            spawn_essential_handle: tasks.spawn_essential_handle(),
            import_queue: sc_consensus_manual_seal::import_queue(
                Box::new(client.clone()),
                &tasks.spawn_essential_handle(),
                None,
            ),
            block_announce_validator_builder: None,
            warp_sync_config: None,
            block_relay: None,
            metrics: NotificationMetrics::new(None),
            gap_sync_body_policy: None,
        })?;
    let rpc_builder = {
        let (client, pool) = (client.clone(), pool.clone());
        Box::new(move |_| rpc::extensions(client.clone(), pool.clone()))
    };
    Ok(sc_service::spawn_tasks(SpawnTasksParams {
        config,
        client: client.clone(),
        backend: backend.clone(),
        task_manager: tasks,
        keystore: keystore.keystore(),
        transaction_pool: pool.clone(),
        rpc_builder,
        network,
        system_rpc_tx,
        tx_handler_controller,
        sync_service,
        telemetry: None,
        tracing_execute_block: None,
    })?)
}

fn listening_port(handlers: &RpcHandlers) -> Option<u16> {
    handlers.listen_addresses().iter().flat_map(|address| address.iter()).find_map(|part| match part {
        Protocol::Tcp(port) => Some(port),
        _ => None,
    })
}
