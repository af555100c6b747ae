//! The `doctor` command: asks everything once and says what to do. Nothing is switched, and no device is written to.

mod broker;
mod devices;
mod ground;
mod line;
mod page;
mod weather;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

pub use self::line::{Line, Verdict};
use crate::{config::Problems, model::Settings, outlets::Network, store::Store};

/// All questions together end within this time.
const TOTAL: Duration = Duration::from_secs(30);

/// Asks everything that these settings name, at once, and tells it in an order that a person would ask in.
pub async fn doctor(settings: &Settings, network: Arc<dyn Network>, now: Timestamp) -> Vec<Line> {
    let mut lines = ground::config(settings);
    lines.extend([ground::data_folder(&settings.data), ground::clock(now)]);
    let memory = Store::look(&settings.data);
    lines.extend(memory.as_ref().err().map(|words| {
        let cure = "stop the bridge and move the file away; wishes and runtimes are forgotten then";
        Line::warn("memory", words.clone()).cured(cure)
    }));
    let pins = memory.ok().flatten().unwrap_or_default().pins;
    let (page, runs) =
        within("page", page::examine(settings.web.as_ref(), &settings.data)).await.unwrap_or_else(|it| (it, false));
    let (broker, devices, weather) = tokio::join!(
        within("broker", broker::examine(settings, runs)),
        within("devices", devices::examine(settings, &pins, network, runs)),
        within("weather", weather::examine(settings.weather.as_ref(), now)),
    );
    lines.push(page);
    for asked in [broker, devices, weather] {
        lines.extend(asked.unwrap_or_else(|late| vec![late]));
    }
    lines
}

/// What is told of a config that cannot be used: nothing else can be asked then.
pub fn unread(problems: &Problems) -> Vec<Line> {
    let cure = "repair the line that it names; `heattrax check` tells when all is well";
    problems.list.iter().map(|it| Line::fail("config", it.to_string()).cured(cure)).collect()
}

/// A deadline over everything that has one of its own: no answer is an answer too.
async fn within<T>(thing: &str, asked: impl Future<Output = T>) -> Result<T, Line> {
    let late = |_| {
        let found = format!("no answer within {} s", TOTAL.as_secs());
        Line::fail(thing, found).cured("see whether this machine's network is up, and ask again")
    };
    tokio::time::timeout(TOTAL, asked).await.map_err(late)
}
