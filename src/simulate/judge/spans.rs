//! Stretches of time as sorted lists of `[start, end)` in unix seconds.

/// `[start, end)` in unix seconds.
pub type Span = (i64, i64);

/// Adds a stretch at the end of a list; one that touches the last makes it longer.
pub(super) fn push(spans: &mut Vec<Span>, span: Span) {
    match spans.last_mut() {
        Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
        _ if span.0 < span.1 => spans.push(span),
        _ => {}
    }
}

/// Total length in seconds.
pub(super) fn total(spans: &[Span]) -> i64 {
    spans.iter().map(|it| it.1 - it.0).sum()
}

/// What lies in both.
pub(super) fn both(one: &[Span], other: &[Span]) -> Vec<Span> {
    let (mut found, mut at) = (Vec::new(), 0);
    for span in one {
        while other.get(at).is_some_and(|it| it.1 <= span.0) {
            at += 1;
        }
        for it in other.iter().skip(at).take_while(|it| it.0 < span.1) {
            push(&mut found, (span.0.max(it.0), span.1.min(it.1)));
        }
    }
    found
}

/// Each made longer by so much at both ends; those that meet are one.
pub(super) fn wider(spans: &[Span], by: i64) -> Vec<Span> {
    let mut found = Vec::new();
    for span in spans {
        push(&mut found, (span.0 - by, span.1 + by));
    }
    found
}

/// Those that are at most `gap` apart are one.
pub(super) fn joined(spans: &[Span], gap: i64) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    for span in spans {
        match found.last_mut() {
            Some(last) if span.0 - last.1 <= gap => last.1 = span.1,
            _ => found.push(*span),
        }
    }
    found
}

/// The stretch that holds an instant.
pub(super) fn holding(spans: &[Span], at: i64) -> Option<Span> {
    let after = spans.partition_point(|it| it.0 <= at);
    spans.get(..after).and_then(<[Span]>::last).filter(|it| at < it.1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_cut_widened_and_joined() {
        let spans = [(0, 10), (20, 30), (50, 60)];
        assert_eq!(both(&spans, &[(5, 25), (55, 99)]), [(5, 10), (20, 25), (55, 60)]);
        assert_eq!(both(&[(0, 100)], &spans), spans);
        assert_eq!(wider(&spans, 5), [(-5, 35), (45, 65)]);
        assert_eq!(joined(&spans, 10), [(0, 30), (50, 60)]);
        assert_eq!(total(&spans), 30);
        assert_eq!((holding(&spans, 20), holding(&spans, 30), holding(&spans, -1)), (Some((20, 30)), None, None));
    }
}
