//! How the session ends.

use std::time::Duration;

use super::Session;
use crate::mqtt::{client::Mail, truth::Once};

/// How long a stop waits for the broker to take the last message, and to hang up after the goodbye.
const STOP_WITHIN: (Duration, Duration) = (Duration::from_millis(900), Duration::from_millis(400));

impl Session {
    /// Says `offline`, waits until the broker has it, and says goodbye.
    pub(super) async fn leave(&mut self, mut mail: Mail) {
        let given_up = self.give_up_changes();
        let Some(line) = self.line.take() else { return };
        // What does not fit is lost, as at any end of a connection.
        let answered = given_up.into_iter().filter(|it| line.publish(it.clone()).is_ok()).count();
        self.published += u64::try_from(answered).unwrap_or_default();
        let offline = Once { retain: true, ..Once::passing(self.topics().bridge_availability(), "offline".to_owned()) };
        if line.publish(offline).is_ok() {
            let published = self.published + 1;
            let taken = async {
                while line.acked() < published {
                    mail.wake.notified().await;
                }
            };
            // Whether it was taken or not, there is nothing more to be done: the will says the same.
            let _ = tokio::time::timeout(STOP_WITHIN.0, taken).await;
        }
        if line.disconnect() {
            let _ = tokio::time::timeout(STOP_WITHIN.1, mail.poller.join_next()).await;
        }
    }
}
