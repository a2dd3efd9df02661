//! Which segments an audit replays.

use assay_protocol::hash::{Native, Sha256};
use std::collections::BTreeSet;
use std::str::FromStr;

/// A list of segments as given on the command line: `all`, or numbers and
/// ranges such as `0,3,7-9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// Every segment.
    All,
    /// These, both ends of a range included.
    Ranges(Vec<(u32, u32)>),
}

impl FromStr for List {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "all" {
            return Ok(List::All);
        }
        let number = |text: &str| {
            text.trim()
                .parse::<u32>()
                .map_err(|_| format!("{:?} is not a segment's number; write 0,3,7-9 or all", text.trim()))
        };
        let range = |part: &str| {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(part)?, number(part)?),
            };
            if last < first {
                return Err(format!("{part:?} ends before it begins"));
            }
            Ok((first, last))
        };
        text.split(',').map(range).collect::<Result<_, _>>().map(List::Ranges)
    }
}

/// Which segments to replay.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// This share of all, 0 to 1, rounded up, drawn at random from the seed.
    Fraction(f64, u64),
    /// These.
    List(List),
}

impl Choice {
    /// The segments of a job that has `total`, ascending.
    ///
    /// # Errors
    /// If the list names a segment that does not exist.
    pub fn segments(&self, total: u32) -> Result<Vec<u32>, String> {
        match self {
            Choice::List(List::All) => Ok((0..total).collect()),
            Choice::List(List::Ranges(ranges)) => {
                if let Some((_, last)) = ranges.iter().find(|(_, last)| *last >= total) {
                    return Err(format!("there is no segment {last}: the job has {total}, numbered from 0"));
                }
                let all: BTreeSet<u32> = ranges.iter().flat_map(|(first, last)| *first..=*last).collect();
                Ok(all.into_iter().collect())
            }
            Choice::Fraction(fraction, seed) => {
                let count = (fraction * f64::from(total)).ceil().clamp(0.0, f64::from(total)) as usize;
                // The order of hashes is as good as random, and the same on every machine and in every version.
                let key = |segment: &u32| {
                    Native.sha256(&[&b"assay/audit/v1"[..], &seed.to_le_bytes(), &segment.to_le_bytes()].concat())
                };
                let mut all: Vec<u32> = (0..total).collect();
                all.sort_by_cached_key(key);
                all.truncate(count);
                all.sort_unstable();
                Ok(all)
            }
        }
    }

    /// Whether every segment was as likely as every other, so that odds can be given.
    pub fn is_random(&self) -> bool {
        matches!(self, Choice::Fraction(..) | Choice::List(List::All))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_they_are_meant() {
        let segments = |text: &str| Choice::List(text.parse().unwrap()).segments(10);
        assert_eq!(segments("all").unwrap(), (0..10).collect::<Vec<_>>());
        assert_eq!(segments("7-9, 0,3,8").unwrap(), [0, 3, 7, 8, 9]);
        assert!(segments("3,10").unwrap_err().contains("no segment 10"));
        for bad in ["", "x", "1-", "3-1", "1;2", "-1"] {
            assert!(bad.parse::<List>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fraction_is_rounded_up_and_follows_its_seed() {
        let segments = |fraction, seed| Choice::Fraction(fraction, seed).segments(100).unwrap();
        assert_eq!(segments(0.0, 1), Vec::<u32>::new());
        assert_eq!(segments(0.001, 1).len(), 1);
        assert_eq!(segments(0.25, 1).len(), 25);
        assert_eq!(segments(1.0, 1), (0..100).collect::<Vec<_>>());
        assert_eq!(segments(0.25, 1), segments(0.25, 1));
        assert_ne!(segments(0.25, 1), segments(0.25, 2));
    }

    #[test]
    fn every_segment_is_chosen_about_as_often() {
        let mut counts = [0u32; 20];
        for seed in 0..4_000 {
            for segment in Choice::Fraction(0.25, seed).segments(20).unwrap() {
                counts[segment as usize] += 1;
            }
        }
        // Mean 1,000, standard deviation 27.
        assert!(counts.iter().all(|count| (860..1140).contains(count)), "{counts:?}");
    }
}
