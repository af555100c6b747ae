//! A command, handed over as every other is, and what came of it: by the outlet's own report.

use std::{collections::BTreeMap, time::Duration};

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, timeout, timeout_at},
};
use utoipa::ToSchema;

use crate::{
    hub::Handle,
    model::{Command, Event, House, Notice, NoticeKind, OutletId, Target},
    web::answer::Refusal,
};

/// The control answers each command within 10 s; who has heard nothing after this never will.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);
/// The hub may need a moment to make room.
const HUB_WITHIN: Duration = Duration::from_secs(1);
/// What was answered is on the board this much later at most.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// What one outlet said to a command.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::web) struct Said {
    /// `device/slot`; `null` where the answer is about the command as a whole.
    pub(in crate::web) outlet: Option<String>,
    /// Was it followed?
    pub(in crate::web) ok: bool,
    /// In words.
    pub(in crate::web) message: String,
    /// It was refused: nothing was tried. Otherwise it could not be done in time.
    #[serde(skip)]
    pub(in crate::web) refused: bool,
}

/// Has a command followed, and waits until every outlet that it is for has answered.
///
/// # Errors
/// The hub is busy (503) or nothing was heard in time (504). What the outlets themselves say against it is no error here.
pub(in crate::web) async fn ask(handle: &Handle, mut command: Command) -> Result<Vec<Said>, Refusal> {
    let before = handle.picture();
    let outlets = outlets_of(&command.target, &before);
    let commanded: BTreeMap<_, _> =
        outlets.iter().filter_map(|id| Some((id.clone(), before.outlets.get(id)?.commanded))).collect();
    let ticket = handle.ticket();
    command.ticket = Some(ticket);
    // Before it is handed over, or the answer could come first.
    let notices = handle.listen();
    hand_over(handle, Event::Commanded(command)).await?;
    let said = heard(notices, ticket, outlets.len()).await?;
    let answered = |house: &House| {
        commanded.iter().all(|(id, before)| {
            let Some(it) = house.outlets.get(id) else { return true };
            let waits = it.pending.as_ref().is_some_and(|it| it.askers().any(|it| it.ticket == Some(ticket)));
            !waits && (it.commanded > *before || !said.iter().any(|said| said.ok && said.is_of(id)))
        })
    };
    let mut board = handle.house.clone();
    // A board that lags behind is shown as it is.
    let _ = timeout(SHOWN_WITHIN, board.wait_for(|house| answered(house))).await;
    Ok(said)
}

impl Said {
    fn is_of(&self, id: &OutletId) -> bool {
        self.outlet.as_deref() == Some(id.to_string().as_str())
    }

    fn of(notice: &Notice) -> Self {
        let outlet =
            notice.device.clone().zip(notice.slot).map(|(device, slot)| OutletId::new(device, slot).to_string());
        let refused = notice.kind == NoticeKind::Refused;
        let ok = !refused && notice.kind != NoticeKind::SwitchFailed;
        Self { outlet, ok, message: notice.message.clone(), refused }
    }
}

/// Hands an event to the hub, which may need a moment to make room.
pub(in crate::web) async fn hand_over(handle: &Handle, event: Event) -> Result<(), Refusal> {
    let busy = || Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the bridge is busy or stopping: ask again later");
    match timeout(HUB_WITHIN, handle.send(event)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(busy()),
    }
}

/// The outlets that a command is for.
pub(in crate::web) fn outlets_of(target: &Target, house: &House) -> Vec<OutletId> {
    match target {
        Target::Outlet(id) => vec![id.clone()],
        Target::Group(group) => house.groups.get(group).map(|it| it.outlets.clone()).unwrap_or_default(),
        Target::House => Vec::new(),
    }
}

/// Listens until so many outlets have answered.
async fn heard(
    mut notices: Receiver<std::sync::Arc<Notice>>,
    ticket: u64,
    outlets: usize,
) -> Result<Vec<Said>, Refusal> {
    let due = Instant::now() + ANSWERED_WITHIN;
    let mut said = Vec::new();
    loop {
        let notice = match timeout_at(due, notices.recv()).await {
            Ok(Ok(notice)) => notice,
            // What was lost may have been the answer: then the time runs out.
            Ok(Err(RecvError::Lagged(_))) => continue,
            Ok(Err(RecvError::Closed)) | Err(_) => {
                let refusal = Refusal::new(StatusCode::GATEWAY_TIMEOUT, "nothing was heard of it in time");
                return Err(refusal.with("answers", json!(said)));
            }
        };
        if notice.ticket != Some(ticket) {
            continue;
        }
        said.push(Said::of(&notice));
        // What names no outlet is about the command as a whole.
        if notice.slot.is_none() || said.len() >= outlets {
            return Ok(said);
        }
    }
}

/// All went well, or why it did not: 409 if something was refused, 504 if a plug did not do it in time.
pub(in crate::web) fn agreed(said: &[Said]) -> Result<(), Refusal> {
    let failed: Vec<&Said> = said.iter().filter(|it| !it.ok).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let words: Vec<&str> = failed.iter().map(|it| it.message.as_str()).collect();
    let refused = failed.iter().any(|it| it.refused);
    let status = if refused { StatusCode::CONFLICT } else { StatusCode::GATEWAY_TIMEOUT };
    Err(Refusal::new(status, words.join("; ")).with("answers", json!(said)))
}
