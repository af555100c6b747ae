//! Old samples become means. Time on is kept to the second: what an hour says is what its samples said.

/// A sample holds until the next one, but no longer than this, in s: the samples of an idle outlet come every ten minutes, and a longer
/// silence is one in which nobody looked.
pub const HOLDS: i64 = 15 * 60;

/// How an outlet was for a while. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// From then on.
    pub at: i64,
    /// For so long, in s.
    pub holds: i64,
    /// The share of the time for which it was on; `None` while nobody knew.
    pub on: Option<f64>,
    /// Mean power in W, where it was measured.
    pub power: Option<f64>,
    /// The word of the decision.
    pub mode: String,
}

/// The mean of a stretch of fixed length.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    /// Where the stretch begins: a multiple of its length.
    pub at: i64,
    /// The share of the whole stretch for which it was on; `None` if nobody knew at any time of it.
    pub on: Option<f64>,
    /// Mean power in W over the time for which it was known.
    pub power: Option<f64>,
    /// The word that held longest.
    pub mode: String,
}

/// The means over stretches of `step` seconds, of spans that are sorted by time and do not overlap. A span that reaches over an edge counts
/// on both sides of it.
pub fn means(spans: &[Span], step: i64) -> Vec<Mean> {
    let mut found: Vec<(Mean, Sums)> = Vec::new();
    for span in spans {
        let end = span.at + span.holds;
        let mut from = span.at;
        while from < end {
            let stretch = from.div_euclid(step) * step;
            let to = end.min(stretch + step);
            if found.last().is_none_or(|(mean, _)| mean.at != stretch) {
                let mean = Mean { at: stretch, on: None, power: None, mode: String::new() };
                found.push((mean, Sums::default()));
            }
            if let Some((_, sums)) = found.last_mut() {
                sums.add(span, to - from);
            }
            from = to;
        }
    }
    found.into_iter().map(|(mean, sums)| sums.close(mean, step)).collect()
}

#[derive(Default)]
struct Sums {
    known: bool,
    on: f64,
    measured: f64,
    energy: f64,
    modes: Vec<(String, i64)>,
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a stretch are small")]
impl Sums {
    fn add(&mut self, span: &Span, seconds: i64) {
        if let Some(on) = span.on {
            self.known = true;
            self.on += on * seconds as f64;
        }
        if let Some(power) = span.power {
            self.measured += seconds as f64;
            self.energy += power * seconds as f64;
        }
        match self.modes.iter_mut().find(|(mode, _)| *mode == span.mode) {
            Some((_, sum)) => *sum += seconds,
            None => self.modes.push((span.mode.clone(), seconds)),
        }
    }

    fn close(self, mean: Mean, step: i64) -> Mean {
        let mode = self.modes.into_iter().max_by_key(|(_, sum)| *sum).map_or_else(String::new, |(mode, _)| mode);
        Mean {
            on: self.known.then(|| self.on / step as f64),
            power: (self.measured > 0.0).then(|| self.energy / self.measured),
            mode,
            ..mean
        }
    }
}
