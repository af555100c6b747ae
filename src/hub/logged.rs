//! Notices in the log.

use crate::model::{Notice, NoticeKind};

pub(super) fn log(notice: &Notice) {
    // That is for the asker alone.
    if notice.kind == NoticeKind::Answered {
        return;
    }
    let about = match (&notice.device, notice.slot, &notice.group) {
        (Some(device), Some(slot), _) => format!("{device}/{slot}: "),
        (Some(device), None, _) => format!("{device}: "),
        (None, _, Some(group)) => format!("{group}: "),
        (None, _, None) => String::new(),
    };
    if notice.kind.is_warning() {
        tracing::warn!(target: "heattrax::hub", event = notice.kind.as_str(), "{about}{}", notice.message);
    } else {
        tracing::info!(target: "heattrax::hub", event = notice.kind.as_str(), "{about}{}", notice.message);
    }
}
