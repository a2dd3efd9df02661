//! Units of the native token and what storage costs.

use crate::Balance;

/// The token's name in wallets and messages.
pub const SYMBOL: &str = "UNIT";
/// Decimal places of [`UNIT`].
pub const DECIMALS: u32 = 12;
/// One token.
pub const UNIT: Balance = 10u128.pow(DECIMALS);
/// A thousandth of a token.
pub const MILLI_UNIT: Balance = UNIT / 1_000;

/// The least an account may hold: 0.1 token. An account below it is removed.
pub const EXISTENTIAL_DEPOSIT: Balance = 100 * MILLI_UNIT;
/// Held for each storage item of a contract's own: 0.002 token.
pub const DEPOSIT_PER_ITEM: Balance = 2 * MILLI_UNIT;
/// Held for each value that a contract stores: a hundredth of
/// [`DEPOSIT_PER_ITEM`], as on the public network, because a contract stores
/// many of them and a chain item is far dearer.
pub const DEPOSIT_PER_CHILD_ITEM: Balance = DEPOSIT_PER_ITEM / 100;
/// Held for each stored byte: 0.00001 token.
pub const DEPOSIT_PER_BYTE: Balance = MILLI_UNIT / 100;
/// The fee for each byte of a transaction: 0.000001 token.
pub const FEE_PER_BYTE: Balance = MILLI_UNIT / 1_000;

/// Contracts count in units of 10^-18, the native token in 10^-12: a contract's
/// amount is the native one times this.
pub const NATIVE_TO_ETH_RATIO: u32 = 1_000_000;
