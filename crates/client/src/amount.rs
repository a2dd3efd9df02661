//! Amounts of the chain's token, never shown without their unit.

use crate::error::AmountError;
use std::fmt;

/// Digits behind the point of a contract's amount: one token is 10^18.
const CONTRACT_DECIMALS: u32 = 18;

/// An amount as contracts count it: in 10^-18 of a token.
///
/// Has no `Display`, because an amount without its unit misleads: use
/// [`Unit::show`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(
    /// 10^-18 of a token.
    pub u128,
);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// The sum, or `None` if no balance is that large.
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).map(Amount)
    }

    /// The difference, or `None` if `other` is larger.
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.0.checked_sub(other.0).map(Amount)
    }

    /// The difference, or nothing if `other` is larger.
    pub fn saturating_sub(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0))
    }
}

impl From<u128> for Amount {
    fn from(value: u128) -> Self {
        Amount(value)
    }
}

/// The token of a chain: its symbol and how its native balance relates to the
/// amounts that contracts see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// What the token is called, such as `PAS`.
    pub symbol: String,
    /// Digits behind the point of a native balance.
    pub decimals: u32,
    /// How many of a contract's units are one native unit (`NativeToEthRatio`).
    pub native_to_contract: u128,
}

impl Unit {
    /// How many of a contract's units are one whole token.
    ///
    /// A chain whose decimals and ratio do not make 10^18 still shows amounts
    /// as its wallets do, because this follows the native decimals.
    fn one_token(&self) -> u128 {
        10u128
            .checked_pow(self.decimals)
            .and_then(|native| native.checked_mul(self.native_to_contract))
            .unwrap_or(10u128.pow(CONTRACT_DECIMALS))
    }

    /// Digits behind the point that an amount can have in this unit.
    fn digits(&self) -> usize {
        let mut token = self.one_token();
        let mut digits = 0;
        while token >= 10 && token.is_multiple_of(10) {
            token /= 10;
            digits += 1;
        }
        digits
    }

    /// Shows `amount` in full precision with its symbol: `1.5 UNIT`.
    pub fn show(&self, amount: Amount) -> Shown<'_> {
        Shown { amount, unit: self }
    }

    /// Shows a native balance in full precision with its symbol.
    pub fn show_native(&self, native: u128) -> Shown<'_> {
        self.show(self.from_native(native))
    }

    /// A native balance in a contract's unit.
    ///
    /// Saturates; a total issuance that large exists on no chain.
    pub fn from_native(&self, native: u128) -> Amount {
        Amount(native.saturating_mul(self.native_to_contract))
    }

    /// The native balance that is exactly `amount`.
    ///
    /// # Errors
    /// If the chain's native unit is coarser than `amount`.
    pub fn to_native(&self, amount: Amount) -> Result<u128, AmountError> {
        if amount.0.is_multiple_of(self.native_to_contract) {
            Ok(amount.0 / self.native_to_contract)
        } else {
            Err(AmountError::TooFine {
                amount: self.show(amount).to_string(),
                smallest: self.show(Amount(self.native_to_contract)).to_string(),
            })
        }
    }

    /// Reads `1.5 UNIT`, `250 mUNIT`, `1_000 UNIT`, and `0`: only nothing needs no
    /// unit, since another number could be a millionth or a million times as much
    /// on another chain. Prefixes: `k`, `m`, `u`, `µ`, `n`, `p`.
    ///
    /// # Errors
    /// If the text is no such number, names no token or another one, or is finer
    /// than 10^-18.
    pub fn parse(&self, text: &str) -> Result<Amount, AmountError> {
        let bad =
            |reason: String| AmountError::Unreadable { text: text.to_string(), reason, symbol: self.symbol.clone() };
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(trimmed.len());
        let (number, symbol) = trimmed.split_at(split);
        let exponent = self
            .exponent(symbol.trim())
            .ok_or_else(|| bad(format!("{:?} is not a unit of this chain", symbol.trim())))?;

        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole = whole.replace('_', "");
        let fraction = fraction.trim_end_matches('0');
        if whole.is_empty() && fraction.is_empty() && !number.contains('0') {
            return Err(bad("there is no number".into()));
        }
        if fraction.contains(['.', '_']) {
            return Err(bad("a number has one point at most".into()));
        }
        // `number * one_token * 10^exponent`, in integers alone.
        let shift = exponent - fraction.len() as i32;
        let digits: u128 = format!("0{whole}{fraction}").parse().map_err(|_| bad("the number is too large".into()))?;
        if symbol.trim().is_empty() && digits != 0 {
            return Err(bad("it names no unit".into()));
        }
        let too_large = || bad("the number is larger than any balance".into());
        let value = if shift >= 0 {
            10u128
                .checked_pow(shift as u32)
                .and_then(|power| digits.checked_mul(power))
                .and_then(|tokens| tokens.checked_mul(self.one_token()))
                .ok_or_else(too_large)?
        } else {
            let power = 10u128
                .checked_pow(shift.unsigned_abs())
                .ok_or_else(|| bad("more digits behind the point than the chain has".into()))?;
            // Divide first as far as it is exact, so that the product stays small.
            let common = gcd(power, self.one_token());
            let (power, token) = (power / common, self.one_token() / common);
            if !digits.is_multiple_of(power) {
                return Err(bad("more digits behind the point than the chain has".into()));
            }
            (digits / power).checked_mul(token).ok_or_else(too_large)?
        };
        Ok(Amount(value))
    }

    /// The power of ten that a symbol with its prefix stands for.
    fn exponent(&self, symbol: &str) -> Option<i32> {
        if symbol.is_empty() || symbol.eq_ignore_ascii_case(&self.symbol) {
            return Some(0);
        }
        let mut chars = symbol.chars();
        let exponent = match chars.next()? {
            'k' => 3,
            'm' => -3,
            'u' | 'µ' | 'μ' => -6,
            'n' => -9,
            'p' => -12,
            _ => return None,
        };
        chars.as_str().eq_ignore_ascii_case(&self.symbol).then_some(exponent)
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// An [`Amount`] with its unit, for showing.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    amount: Amount,
    unit: &'a Unit,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.unit.one_token();
        let (whole, rest) = (self.amount.0 / token, self.amount.0 % token);
        let text = if rest == 0 {
            whole.to_string()
        } else {
            let digits = self.unit.digits();
            format!("{whole}.{}", format!("{rest:0digits$}").trim_end_matches('0'))
        };
        f.pad(&format!("{text} {}", self.unit.symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Unit {
        Unit { symbol: "UNIT".into(), decimals: 12, native_to_contract: 1_000_000 }
    }

    #[test]
    fn what_is_shown_can_be_read() {
        let unit = unit();
        let token = 10u128.pow(18);
        for (text, value) in [
            ("1.5 UNIT", 3 * token / 2),
            ("0 UNIT", 0),
            ("1 UNIT", token),
            ("0.000000000000000001 UNIT", 1),
            ("123456789.000000000000000001 UNIT", 123_456_789 * token + 1),
        ] {
            assert_eq!(unit.parse(text).unwrap(), Amount(value), "{text}");
            assert_eq!(unit.show(Amount(value)).to_string(), text);
        }
    }

    #[test]
    fn prefixes_are_read() {
        let unit = unit();
        let token = 10u128.pow(18);
        for (text, value) in [
            ("1.5UNIT", 3 * token / 2),
            (" 250 mUNIT ", token / 4),
            ("250mUNIT", token / 4),
            ("2 kUNIT", 2_000 * token),
            ("3 uUNIT", 3 * 10u128.pow(12)),
            ("3 µUNIT", 3 * 10u128.pow(12)),
            ("1 nUNIT", 10u128.pow(9)),
            ("1 pUNIT", 10u128.pow(6)),
            ("1_000 unit", 1_000 * token),
            (".5 UNIT", token / 2),
            ("5. UNIT", 5 * token),
            ("0", 0),
            ("0.0", 0),
            ("0.5000000000000000000000 UNIT", token / 2),
        ] {
            assert_eq!(unit.parse(text).unwrap(), Amount(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        let unit = unit();
        for text in [
            "",
            " ",
            ".",
            "UNIT",
            "1",
            "0.5",
            "-1 UNIT",
            "1.2.3 UNIT",
            "1 DOT",
            "1 gUNIT",
            "1e9 UNIT",
            "1,5 UNIT",
            "0.0000000000000000001 UNIT",
            "1 UNIT x",
            "999999999999999999999999 UNIT",
            "0.5 pUNIT_",
            "0.00000000000000000000000000000000000000000001 UNIT",
        ] {
            let error = unit.parse(text).unwrap_err().to_string();
            assert!(error.contains("UNIT"), "{text}: {error}");
        }
    }

    #[test]
    fn native_balances_must_be_exact() {
        let unit = unit();
        assert_eq!(unit.to_native(Amount(3_000_000)).unwrap(), 3);
        assert_eq!(unit.from_native(3), Amount(3_000_000));
        let error = unit.to_native(Amount(3_000_001)).unwrap_err().to_string();
        assert!(error.contains("0.000000000003000001 UNIT"), "{error}");
        assert!(error.contains("0.000000000001 UNIT"), "{error}");
    }

    #[test]
    fn other_chains_decimals_are_followed() {
        let paseo = Unit { symbol: "PAS".into(), decimals: 10, native_to_contract: 100_000_000 };
        assert_eq!(paseo.parse("0.1 PAS").unwrap(), Amount(10u128.pow(17)));
        assert_eq!(paseo.show_native(20_000_000).to_string(), "0.002 PAS");
        assert_eq!(format!("{:>8}", paseo.show(Amount(0))), "   0 PAS");
    }
}
