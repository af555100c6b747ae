//! What people had switched in `automation_overrides.json`, on top of the config's `automation`.
//!
//! It had an effect where a group has no `schedules` of its own. What silences a rule that the group still has is taken over: its control is
//! off. What would let rules speak is not, for the config is their owner.

use serde_json::{Map, Value};

use super::FLAGS;
use crate::model::{ControlSettings, FROM_MORNING, FROM_PRECIPITATION, GroupSettings};

/// All that the predecessor looked at.
const WEATHER: &str = "weather_control";
const PRECIPITATION: &str = "precipitation_control";
const MORNING: &str = "morning_mode";
const KNOWN: [&str; 3] = [WEATHER, PRECIPITATION, MORNING];

/// What becomes of the flags of one group.
#[derive(Debug, Default)]
pub(super) struct Silenced {
    /// Is its control off from now on?
    pub(super) is_off: bool,
    /// In words.
    pub(super) warnings: Vec<String>,
}

/// Looks at the flags of a group.
pub(super) fn of(group: &GroupSettings, flags: Option<&Value>) -> Silenced {
    let said = said(flags);
    let has = |name: &str| group.schedules.iter().any(|it| it.name == name);
    let (wet, morning, melts) = (has(FROM_PRECIPITATION), has(FROM_MORNING), group.melt.is_some());
    let speaks = |flag: &str| match flag {
        PRECIPITATION => wet || melts,
        MORNING => morning,
        _ => wet || morning || melts,
    };
    let mut found = Silenced::default();
    let mut warn = |these: &[(&str, bool)], words: &str| {
        if !these.is_empty() {
            found.warnings.push(format!("group `{}`: {} in {FLAGS} {words}", group.name, listed(these)));
        }
    };
    let is_own = |name: &str| name != FROM_PRECIPITATION && name != FROM_MORNING;
    if group.schedules.iter().any(|it| is_own(&it.name)) {
        warn(
            &said,
            "is not taken over: it had no effect on a group with `schedules`, and has none here, not on its `melt` either",
        );
        return found;
    }
    let silenced: Vec<_> = said.iter().copied().filter(|(flag, on)| !on && speaks(flag)).collect();
    let all_off = said.contains(&(WEATHER, false));
    let woken: Vec<_> = said.iter().copied().filter(|(flag, on)| *on && !all_off && !speaks(flag)).collect();
    if all_off {
        warn(&silenced, "is taken over as control off: nothing switches it on until somebody sets its control to auto");
    } else {
        let words = "cannot be taken over by itself, so its control is off until somebody sets it to auto: write it into `automation` in the \
                     config before that";
        warn(&silenced, words);
    }
    warn(&woken, "is not taken over: write it into `automation` in the config if rules are to follow it");
    found.is_off = !silenced.is_empty();
    found
}

/// The flags of groups that the config does not know.
pub(super) fn of_nobody(all: &Map<String, Value>, settings: &ControlSettings) -> Vec<String> {
    let is_known = |name: &str| settings.groups.values().any(|it| it.name == name);
    let strange = all.iter().filter(|(name, _)| !is_known(name)).map(|(name, flags)| (name, said(Some(flags))));
    let strange = strange.filter(|(_, said)| !said.is_empty());
    let words = |(name, said): (&String, Vec<_>)| {
        let name: String = name.chars().take(80).collect();
        format!("{} in {FLAGS} is not taken over: the config has no group {name:?}", listed(&said))
    };
    strange.take(20).map(words).collect()
}

fn said(flags: Option<&Value>) -> Vec<(&'static str, bool)> {
    KNOWN.iter().filter_map(|key| Some((*key, flags?.get(key)?.as_bool()?))).collect()
}

fn listed(flags: &[(&str, bool)]) -> String {
    flags.iter().map(|(flag, on)| format!("`{flag}: {on}`")).collect::<Vec<_>>().join(", ")
}
