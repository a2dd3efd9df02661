//! What histories have reached, so that they cannot pass by doing nothing.

use std::collections::HashMap;
use std::fmt;

/// How often each thing was reached, by kind ("accepted", "refused", ...) and name.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    counts: HashMap<(&'static str, u32), (String, u64)>,
}

impl Coverage {
    /// Counts one more of a thing. `key` stands for its name within `kind`, so
    /// that the name is made only once.
    pub fn count(&mut self, kind: &'static str, key: u32, name: impl FnOnce() -> String) {
        self.add(kind, key, 1, name);
    }

    /// Counts `more` of a thing at once.
    pub fn add(&mut self, kind: &'static str, key: u32, more: u64, name: impl FnOnce() -> String) {
        let count = &mut self.counts.entry((kind, key)).or_insert_with(|| (name(), 0)).1;
        *count = count.saturating_add(more);
    }

    /// Adds what another thread has counted.
    pub fn merge(&mut self, other: Coverage) {
        for (key, (name, count)) in other.counts {
            self.counts.entry(key).or_insert((name, 0)).1 += count;
        }
    }

    /// How often the thing of this name was reached.
    pub fn of(&self, kind: &str, name: &str) -> u64 {
        self.rows().find(|row| row.0 == kind && row.1 == name).map_or(0, |row| row.2)
    }

    /// How often anything of this kind was reached.
    pub fn total(&self, kind: &str) -> u64 {
        self.rows().filter(|row| row.0 == kind).map(|row| row.2).sum()
    }

    fn rows(&self) -> impl Iterator<Item = (&'static str, &str, u64)> {
        self.counts.iter().map(|((kind, _), (name, count))| (*kind, name.as_str(), *count))
    }

    /// Of `wanted`, `(kind, name)`, what was never reached.
    pub fn missing<'a>(&self, wanted: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
        let unreached = wanted.into_iter().filter(|(kind, name)| self.of(kind, name) == 0);
        unreached.map(|(kind, name)| format!("{kind}: {name}")).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<_> = self.rows().collect();
        rows.sort();
        let mut last = "";
        for (kind, name, count) in rows {
            if kind != last {
                writeln!(f, "{kind}")?;
                last = kind;
            }
            writeln!(f, "  {count:>12}  {name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use scale_info::{MetaType, TypeDef, TypeInfo};

    /// The names of an enumeration's variants.
    pub fn variants<T: TypeInfo + 'static>() -> Vec<String> {
        let TypeDef::Variant(variants) = MetaType::new::<T>().type_info().type_def else {
            panic!("not an enumeration")
        };
        variants.variants.iter().map(|variant| variant.name.to_string()).collect()
    }

    /// Whether docs/attack.md says why no history reaches the error `name`.
    pub fn documented(name: &str) -> bool {
        let docs = include_str!("../../../docs/attack.md");
        let (_, rest) = docs.split_once("## What is never reached").expect("the section is there");
        let rows = rest.lines().skip(1).take_while(|line| !line.starts_with("##"));
        rows.filter(|row| row.starts_with('|')).any(|row| row.contains(&format!("`{name}`")))
    }
}
