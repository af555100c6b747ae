//! The section `tariff`: what energy costs, and when it costs something else.

use super::{
    range::Range,
    schedule::{clock_at, days},
    section::Section,
};
use crate::model::{Tariff, TariffWindow};

const PRICE: Range = Range::from(0.0);

/// Reads the section. `None` if it is not there.
pub(super) fn read(root: &Section<'_>) -> Option<Tariff> {
    let it = root.section("tariff")?;
    let windows = it.list("windows").into_iter().filter_map(|(path, node)| {
        let section = Section::new(it.book, path, node.place.clone(), node);
        let read = window(&section);
        section.close();
        read
    });
    let tariff = Tariff {
        windows: windows.collect(),
        price: it.number("price_per_kwh", PRICE),
        currency: it.text("currency").unwrap_or_default(),
    };
    it.close();
    Some(tariff)
}

fn window(it: &Section<'_>) -> Option<TariffWindow> {
    let (name, days, price) = (it.text("name"), days(it), it.number("price_per_kwh", PRICE));
    let expensive = it.switch("expensive").unwrap_or(false);
    let (from, to) = (clock_at(it, "from"), clock_at(it, "to"));
    let (from, to) = from.zip(to)?;
    if from == to {
        it.refuse("to", "the time at which the window begins: an empty window", "another time than `from`");
    }
    let name = name.unwrap_or_else(|| format!("{} to {}", from.strftime("%H:%M"), to.strftime("%H:%M")));
    Some(TariffWindow { name, days, from, to, price, expensive })
}
