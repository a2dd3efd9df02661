//! Words, texts and bytes in Solidity's encoding: 32-byte words, big end first;
//! what has no fixed length comes after the words and is found by its offset
//! ([specification](https://docs.soliditylang.org/en/latest/abi-spec.html)).

use crate::hash::{Address, Hash};
use alloc::{string::String, vec::Vec};

/// Bytes of a word.
pub const WORD: usize = 32;

/// Encodes the arguments of a call, an answer, an error or an event's data.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    words: Vec<u8>,
    /// Where the offset of each value after the words goes, and the value.
    tails: Vec<(usize, Vec<u8>)>,
}

impl Writer {
    /// A word as it is.
    pub fn word(mut self, word: [u8; WORD]) -> Self {
        self.words.extend(word);
        self
    }

    /// A `uint256`, or a smaller one.
    pub fn number(self, number: u128) -> Self {
        let mut word = [0; WORD];
        word[16..].copy_from_slice(&number.to_be_bytes());
        self.word(word)
    }

    /// An `address`.
    pub fn address(self, address: &Address) -> Self {
        self.word(address_word(address))
    }

    /// A `bool`.
    pub fn flag(self, flag: bool) -> Self {
        self.number(flag.into())
    }

    /// A `bytes4`.
    pub fn bytes4(self, bytes: [u8; 4]) -> Self {
        let mut word = [0; WORD];
        word[..4].copy_from_slice(&bytes);
        self.word(word)
    }

    /// A `bytes` or a `string`.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.tails.push((self.words.len(), bytes.to_vec()));
        self.number(0)
    }

    /// What was written.
    pub fn finish(mut self) -> Vec<u8> {
        for (place, bytes) in core::mem::take(&mut self.tails) {
            let offset = Writer::default().number(self.words.len() as u128).words;
            self.words[place..place + WORD].copy_from_slice(&offset);
            self = self.number(bytes.len() as u128);
            self.words.extend(&bytes);
            self.words.resize(self.words.len().next_multiple_of(WORD), 0);
        }
        self.words
    }
}

/// An address as a word.
pub fn address_word(address: &Address) -> [u8; WORD] {
    let mut word = [0; WORD];
    word[12..].copy_from_slice(&address.0);
    word
}

/// Reads what [`Writer`] wrote. As strict as Solidity: what does not fit its
/// type, or is cut off, is nothing. Bytes that nothing points to are ignored.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from the start.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next word.
    pub fn word(&mut self) -> Option<[u8; WORD]> {
        let word = word_at(self.bytes, self.at)?;
        self.at += WORD;
        Some(word)
    }

    /// The next word as a `uint256` that fits into 128 bits.
    pub fn number(&mut self) -> Option<u128> {
        self.word().and_then(|word| number(&word))
    }

    /// The next word as an `address`.
    pub fn address(&mut self) -> Option<Address> {
        address(&self.word()?)
    }

    /// The next word as a `bool`.
    pub fn flag(&mut self) -> Option<bool> {
        match self.number()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// The next word as a `bytes4`.
    pub fn bytes4(&mut self) -> Option<[u8; 4]> {
        let word = self.word()?;
        (word[4..] == [0; 28]).then_some([word[0], word[1], word[2], word[3]])
    }

    /// The `bytes` that the next word points to.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let offset = usize::try_from(self.number()?).ok()?;
        let length = usize::try_from(number(&word_at(self.bytes, offset)?)?).ok()?;
        self.bytes.get(offset + WORD..)?.get(..length)
    }

    /// The `string` that the next word points to.
    pub fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    /// The next word as a token's id, which is a model's.
    pub fn token(&mut self) -> Option<Hash> {
        self.word().map(Hash)
    }
}

/// A word as an address; nothing if its first twelve bytes are not zero.
pub fn address(word: &[u8; WORD]) -> Option<Address> {
    let (zeros, bytes) = word.split_at(12);
    (zeros == [0; 12]).then(|| Address(bytes.try_into().expect("20 bytes are left")))
}

fn number(word: &[u8; WORD]) -> Option<u128> {
    let (zeros, bytes) = word.split_at(16);
    (zeros == [0; 16]).then(|| u128::from_be_bytes(bytes.try_into().expect("16 bytes are left")))
}

fn word_at(bytes: &[u8], at: usize) -> Option<[u8; WORD]> {
    bytes.get(at..at.checked_add(WORD)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    /// The example of the specification: `f(uint256,uint32[],bytes10,bytes)` has no
    /// counterpart here, `sam(bytes,bool,uint256[])` begins like this.
    #[test]
    fn texts_come_after_the_words() {
        let bytes = Writer::default().bytes(b"dave").flag(true).finish();
        let expected = [
            "0000000000000000000000000000000000000000000000000000000000000040",
            "0000000000000000000000000000000000000000000000000000000000000001",
            "0000000000000000000000000000000000000000000000000000000000000004",
            "6461766500000000000000000000000000000000000000000000000000000000",
        ];
        let hex: Vec<String> =
            bytes.chunks(WORD).map(|word| word.iter().map(|b| format!("{b:02x}")).collect()).collect();
        assert_eq!(hex, expected);
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.text().unwrap(), reader.flag()), ("dave".into(), Some(true)));
        assert_eq!(reader.word(), word_at(&bytes, 64));
    }

    #[test]
    fn several_texts_and_long_ones() {
        let long = "é".repeat(50);
        let bytes = Writer::default().bytes(b"").bytes(long.as_bytes()).number(u128::MAX).finish();
        assert_eq!(bytes.len(), 3 * WORD + WORD + WORD + 128);
        let mut reader = Reader::new(&bytes);
        assert_eq!(
            (reader.text().unwrap(), reader.text().unwrap(), reader.number()),
            ("".into(), long, Some(u128::MAX))
        );
        assert_eq!(reader.word().map(|_| ()), Some(()));
    }

    #[test]
    fn what_does_not_fit_is_nothing() {
        let mut high = [0; WORD];
        high[11] = 1;
        assert_eq!(Reader::new(&high).address(), None);
        assert_eq!(Reader::new(&high).number(), None, "more than 128 bits");
        assert_eq!(Reader::new(&[0; 31]).word(), None);
        assert_eq!(Reader::new(&Writer::default().number(2).finish()).flag(), None);
        high = [0; WORD];
        (high[0], high[4]) = (1, 1);
        assert_eq!(Reader::new(&high).bytes4(), None);
        // Offsets and lengths beyond the end, up to the largest.
        for offset in [WORD as u128 + 1, 1 << 60, u128::from(u64::MAX), u128::from(u64::MAX) - 31, u128::MAX] {
            assert_eq!(Reader::new(&Writer::default().number(offset).number(0).finish()).bytes(), None, "{offset}");
        }
        for length in [1, 1 << 60, u128::from(u64::MAX), u128::MAX] {
            let bytes = Writer::default().number(WORD as u128).number(length).finish();
            assert_eq!(Reader::new(&bytes).bytes(), None, "{length}");
        }
        let bad = Writer::default().bytes(&[0xff]).finish();
        assert_eq!((Reader::new(&bad).text(), Reader::new(&bad).bytes()), (None, Some(&vec![0xff][..])));
    }
}
