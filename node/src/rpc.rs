//! The JSON-RPC server: where it listens, and what it offers beyond the methods
//! that every Substrate node has.

use crate::{
    error::Error,
    service::{Block, FullClient, Pool},
};
use jsonrpsee::RpcModule;
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_service::config::{RpcBatchRequestConfig, RpcConfiguration, RpcEndpoint, RpcMethods};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
};
use substrate_frame_rpc_system::{System, SystemApiServer};

/// Connections at one time.
const MAX_CONNECTIONS: u32 = 512;
/// Largest request, in MiB. Contract code travels hex-encoded inside JSON.
const MAX_REQUEST_MIB: u32 = 16;
/// Largest response, in MiB: a range of events in one answer.
const MAX_RESPONSE_MIB: u32 = 64;
/// Subscriptions on one connection.
const MAX_SUBSCRIPTIONS: u32 = 1024;
/// Messages that wait for a client that reads slowly.
const MESSAGE_BUFFER: u32 = 1024;

/// Checks that the port is free, so that the user hears of it before the chain
/// is opened. Port 0 always is.
///
/// # Errors
/// [`Error::PortTaken`] if not, [`Error::Listen`] if it cannot be told.
pub fn check_port(port: u16) -> Result<(), Error> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Error::PortTaken(port)),
        Err(error) => Err(Error::Listen(port, error)),
    }
}

/// A server on the loopback address only, for any origin, with every method:
/// nothing on a development chain is worth protecting from its own machine.
pub fn configuration(port: u16) -> RpcConfiguration {
    let endpoint = RpcEndpoint {
        listen_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        batch_config: RpcBatchRequestConfig::Unlimited,
        max_connections: MAX_CONNECTIONS,
        max_payload_in_mb: MAX_REQUEST_MIB,
        max_payload_out_mb: MAX_RESPONSE_MIB,
        max_subscriptions_per_connection: MAX_SUBSCRIPTIONS,
        max_buffer_capacity_per_connection: MESSAGE_BUFFER,
        rate_limit: None,
        rate_limit_trust_proxy_headers: false,
        rate_limit_whitelisted_ips: Vec::new(),
        cors: None,
        rpc_methods: RpcMethods::Unsafe,
        is_optional: false,
        // A client that expects the given port must not find nobody there.
        retry_random_port: false,
    };
    RpcConfiguration {
        addr: Some(vec![endpoint]),
        max_connections: MAX_CONNECTIONS,
        cors: None,
        methods: RpcMethods::Unsafe,
        max_request_size: MAX_REQUEST_MIB,
        max_response_size: MAX_RESPONSE_MIB,
        id_provider: None,
        max_subs_per_conn: MAX_SUBSCRIPTIONS,
        port,
        message_buffer_capacity: MESSAGE_BUFFER,
        batch_config: RpcBatchRequestConfig::Unlimited,
        rate_limit: None,
        rate_limit_whitelisted_ips: Vec::new(),
        rate_limit_trust_proxy_headers: false,
        request_logger_limit: 1024,
    }
}

/// Account nonces, dry runs and fees.
///
/// # Errors
/// If two modules name the same method.
#[expect(clippy::result_large_err, reason = "the builder of the server wants this error")]
pub fn extensions(client: Arc<FullClient>, pool: Arc<Pool>) -> Result<RpcModule<()>, sc_service::Error> {
    let clash = |error| sc_service::Error::Application(Box::new(error));
    let mut module = RpcModule::new(());
    module.merge(System::<_, _, Block>::new(client.clone(), pool).into_rpc()).map_err(clash)?;
    module.merge(TransactionPayment::new(client).into_rpc()).map_err(clash)?;
    Ok(module)
}
