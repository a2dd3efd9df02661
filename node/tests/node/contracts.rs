//! What contracts and their callers depend on. That contracts run is shown by
//! the end-to-end tests, which have some.

use crate::harness::{account, signed, Client, Node};
use assay_node_runtime::{currency, Hash, Runtime, RuntimeCall, RuntimeEvent};
use codec::Encode;
use sp_core::{H160, U256};
use sp_runtime::DispatchError;

/// Whether the transaction in a block succeeded.
fn outcome(client: &mut Client, block: Hash) -> Result<(), DispatchError> {
    // The inherent that sets the clock reports its own success first.
    let last = client.events(block).into_iter().rev().find_map(|record| match record.event {
        RuntimeEvent::System(frame_system::Event::ExtrinsicSuccess { .. }) => Some(Ok(())),
        RuntimeEvent::System(frame_system::Event::ExtrinsicFailed { dispatch_error, .. }) => Some(Err(dispatch_error)),
        _ => None,
    });
    last.expect("each transaction has an outcome")
}

fn map_account() -> RuntimeCall {
    pallet_revive::Call::<Runtime>::map_account {}.into()
}

/// A call to an address where nothing is: a plain transfer.
fn call_nothing() -> RuntimeCall {
    pallet_revive::Call::<Runtime>::call {
        dest: H160::repeat_byte(0x11),
        value: currency::UNIT,
        weight_limit: sp_runtime::Weight::from_parts(10_000_000_000, 500_000),
        storage_deposit_limit: currency::UNIT,
        data: Vec::new(),
    }
    .into()
}

#[test]
fn an_account_is_mapped_by_itself_and_not_before() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let block = client.submit(&signed(node.genesis, "//Alice", 0, call_nothing()));
    let unmapped: DispatchError = pallet_revive::Error::<Runtime>::AccountUnmapped.into();
    let failed = outcome(&mut client, block).unwrap_err();
    // The message is not part of what is encoded.
    assert_eq!(failed.encode(), unmapped.encode());

    let block = client.submit(&signed(node.genesis, "//Alice", 1, map_account()));
    assert_eq!(outcome(&mut client, block), Ok(()));
    let block = client.submit(&signed(node.genesis, "//Alice", 2, call_nothing()));
    assert_eq!(outcome(&mut client, block), Ok(()));
}

#[test]
fn the_runtime_api_for_contracts_answers() {
    let node = Node::start(&[]);
    let mut client = node.client();
    let address: H160 = client.runtime("ReviveApi_address", &account("//Alice").encode());
    // Nobody stands behind the address before the account is mapped.
    let balance: U256 = client.runtime("ReviveApi_balance", &address.encode());
    assert_eq!(balance, U256::zero());
    let block = client.submit(&signed(node.genesis, "//Alice", 0, map_account()));
    assert_eq!(outcome(&mut client, block), Ok(()));
    let balance: U256 = client.runtime("ReviveApi_balance", &address.encode());
    // All but the existential deposit, in units of 10^-18.
    let native = client.free(&account("//Alice")) - currency::EXISTENTIAL_DEPOSIT;
    assert_eq!(balance, U256::from(native) * U256::from(currency::NATIVE_TO_ETH_RATIO));
    let code: Vec<u8> = client.runtime("ReviveApi_code", &H160::repeat_byte(0x11).encode());
    assert_eq!(code, Vec::<u8>::new());
    let hash: Option<Hash> = client.runtime("ReviveApi_eth_block_hash", &U256::from(0).encode());
    assert!(hash.is_some());
}
