//! Delta debugging: the shortest list that still fails, by leaving parts out.

/// Leaves out parts of `actions`, halves first and single ones last, as long as
/// `fails` still does. `fails` is called at most `budget` times.
///
/// After Zeller and Hildebrandt, "Simplifying and isolating failure-inducing
/// input" (2002).
pub fn shrink<T: Clone>(actions: &[T], budget: usize, mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = actions.to_vec();
    let mut part = kept.len().div_ceil(2).max(1);
    let mut tries = 0;
    loop {
        let mut smaller = false;
        let mut at = 0;
        while at < kept.len() && tries < budget {
            let end = (at + part).min(kept.len());
            let candidate = [&kept[..at], &kept[end..]].concat();
            tries += 1;
            if fails(&candidate) {
                kept = candidate;
                smaller = true;
            } else {
                at = end;
            }
        }
        if tries >= budget || (part == 1 && !smaller) {
            return kept;
        }
        if !smaller {
            part = part.div_ceil(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shrink;

    #[test]
    fn what_is_needed_stays() {
        let all: Vec<u32> = (0..100).collect();
        let kept = shrink(&all, 10_000, |list| list.contains(&17) && list.contains(&63) && list.contains(&64));
        assert_eq!(kept, [17, 63, 64]);
    }

    #[test]
    fn a_budget_is_kept() {
        let mut calls = 0;
        let all: Vec<u32> = (0..100).collect();
        shrink(&all, 10, |_| {
            calls += 1;
            false
        });
        assert_eq!(calls, 10);
    }
}
