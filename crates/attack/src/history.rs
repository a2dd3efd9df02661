//! A history: who the actors are, and a list of acts. An act is small numbers
//! that mean something in any state of the world, so that a history from which
//! acts are left out is a history too.

use std::fmt;
use std::str::FromStr;

/// Whether the generator keeps the assumption on panels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assumption {
    /// Fewer malicious verifiers enlist than can be the majority of a panel.
    Kept,
    /// As many as there are: honest losses are counted and reported.
    Broken,
}

/// Everything about a world but what happens in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Decides who is honest and how rich.
    pub seed: u64,
    /// Whether malicious verifiers hold back.
    pub assumption: Assumption,
}

/// One act. What it comes to depends on the state of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    /// What: an index into the names of the attack.
    pub what: u8,
    /// Which actor, wrapped around.
    pub who: u8,
    /// About what: a job or a record, wrapped around.
    pub about: u8,
    /// Everything else.
    pub roll: u32,
}

/// A history that can be written down and run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// `market`, `registry` or `titles`.
    pub attack: String,
    /// The world.
    pub setup: Setup,
    /// What happens in it.
    pub acts: Vec<Act>,
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let assumption = if self.setup.assumption == Assumption::Kept { "kept" } else { "broken" };
        writeln!(f, "{} {} {assumption}", self.attack, self.setup.seed)?;
        for Act { what, who, about, roll } in &self.acts {
            writeln!(f, "{what} {who} {about} {roll}")?;
        }
        Ok(())
    }
}

impl FromStr for History {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let head: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
        let [attack, seed, assumption] = head[..] else {
            return Err("the first line must be: ATTACK SEED kept|broken".into());
        };
        let seed = seed.parse().map_err(|_| format!("{seed} is no seed"))?;
        let assumption = match assumption {
            "kept" => Assumption::Kept,
            "broken" => Assumption::Broken,
            other => return Err(format!("{other} is neither kept nor broken")),
        };
        let acts = lines.map(act).collect::<Result<_, _>>()?;
        Ok(History { attack: attack.into(), setup: Setup { seed, assumption }, acts })
    }
}

fn act(line: &str) -> Result<Act, String> {
    let bad = || format!("an act is four numbers, WHAT WHO ABOUT ROLL, and not: {line}");
    let mut words = line.split_whitespace();
    let mut word = || words.next().ok_or_else(bad);
    let act = Act {
        what: word()?.parse().map_err(|_| bad())?,
        who: word()?.parse().map_err(|_| bad())?,
        about: word()?.parse().map_err(|_| bad())?,
        roll: word()?.parse().map_err(|_| bad())?,
    };
    if word().is_ok() { Err(bad()) } else { Ok(act) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let history = History {
            attack: "market".into(),
            setup: Setup { seed: u64::MAX, assumption: Assumption::Broken },
            acts: vec![Act { what: 1, who: 2, about: 3, roll: u32::MAX }, Act { what: 0, who: 0, about: 0, roll: 0 }],
        };
        assert_eq!(format!("# a note\n{history}").parse(), Ok(history));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (text, why) in [
            ("", "the first line"),
            ("market x kept", "no seed"),
            ("market 1 maybe", "neither"),
            ("market 1 kept\n1 2 3", "1 2 3"),
            ("market 1 kept\n1 2 3 4 5", "1 2 3 4 5"),
        ] {
            let error = text.parse::<History>().unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
