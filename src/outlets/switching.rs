//! Moving a relay without arming anything. What came of it is told by the next look.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    link::{Kind, Link, LinkError},
    task::Task,
};
use crate::model::Switch;

/// Nothing that can wait is asked for this long after a switch.
const QUIET: Duration = Duration::from_secs(1);

impl Task {
    /// Notes that something is being switched.
    pub(super) fn stir(&mut self) {
        self.agenda.quiet_until = Instant::now() + QUIET;
        self.switched = Some(Instant::now());
    }

    /// Moves a relay without arming anything. An OFF takes our countdown with it.
    pub(super) async fn switch_plainly(&mut self, link: &mut Link, slot: u8, to: Switch) -> Result<(), LinkError> {
        self.stir();
        let Some(outlet) = self.outlets.get_mut(&slot) else { return Ok(()) };
        // A link without timers cannot take one away: then the OFF goes alone.
        let clears = to == Switch::Off && link.has_timers() && outlet.guard.is_left_over();
        let switched =
            if clears { link.off_and_clear(outlet.child()).await } else { link.switch(outlet.child(), to).await };
        match switched {
            Ok(()) => {
                if clears {
                    outlet.guard.cleared();
                }
                outlet.attempted(to, true, None);
                Ok(())
            }
            Err(error) if error.kind == Kind::Session => {
                // It is met afresh before it is switched. The pause is for a device that turns every switch away like this.
                if self.contended {
                    outlet.hold(to);
                }
                Err(error)
            }
            Err(error) => {
                outlet.attempted(to, error.kind.may_have_been_done(), Some(error.text.clone()));
                // Whatever happened, the next look tells what came of it.
                if error.kind.is_an_answer() { Ok(()) } else { Err(error) }
            }
        }
    }
}
