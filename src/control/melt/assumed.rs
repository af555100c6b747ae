//! What a second source says of the ice: wherever either of two tells of ice, ice is assumed.

use super::{Reading, Stretch};

impl Reading {
    /// Takes in the reading of another forecast. Ice that only one of them tells of is contested, where the other knows at all.
    pub(in crate::control) fn assume(&mut self, other: &Self) {
        for it in &mut self.strict {
            it.contested = other.denies(it);
        }
        let news: Vec<Stretch> = other.strict.iter().map(|it| contested(it, self)).collect();
        add(&mut self.strict, news);
        add(&mut self.loose, other.loose.clone());
    }

    /// Does it know the weather of a stretch, and no ice in it?
    fn denies(&self, it: &Stretch) -> bool {
        let knows = it.ice.to <= self.until && !self.gaps.iter().any(|gap| gap.0 < it.ice.to && it.ice.from < gap.1);
        knows && !self.strict.iter().any(|mine| overlap(mine, it))
    }
}

fn contested(it: &Stretch, by: &Reading) -> Stretch {
    Stretch { contested: by.denies(it), ..it.clone() }
}

/// A source of six hours and one of one hour do not begin at the same time, and mean the same.
fn overlap(one: &Stretch, other: &Stretch) -> bool {
    one.ice.from < other.ice.to && other.ice.from < one.ice.to
}

/// Adds what the mat is not on for already.
fn add(stretches: &mut Vec<Stretch>, news: Vec<Stretch>) {
    for it in news {
        let kind = it.ice.hazard.is_precipitation();
        let covers = |mine: &Stretch| {
            mine.heat_from <= it.heat_from
                && it.heat_to <= mine.heat_to
                && (mine.ice.hazard.is_precipitation() || !kind)
        };
        if !stretches.iter().any(covers) {
            stretches.push(it);
        }
    }
    stretches.sort_by_key(|it| it.heat_from);
}
