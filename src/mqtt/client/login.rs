//! The password from its file, afresh for each connection: secrets are rotated without asking whom they are for.

use std::{path::Path, sync::Arc, time::Duration};

use tokio::io::AsyncReadExt;

use crate::model::{MqttSettings, Secret};

/// No password is longer, in bytes.
const LONGEST: u64 = 64 * 1024;
/// A file on a share that hangs must not keep us from the broker: the password that is known may still be right.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// The settings with the password that the file holds now. What cannot be read, or is empty, leaves the known one.
pub(super) async fn renewed(settings: &Arc<MqttSettings>) -> Arc<MqttSettings> {
    let Some(path) = &settings.password_file else { return settings.clone() };
    match tokio::time::timeout(READ_WITHIN, contents(path)).await {
        Ok(Ok(text)) if !text.trim().is_empty() => {
            Arc::new(MqttSettings { password: Some(Secret::new(text.trim())), ..MqttSettings::clone(settings) })
        }
        Ok(Err(error)) => {
            tracing::debug!("{} cannot be read ({error}): the password from before is used", path.display());
            settings.clone()
        }
        _ => {
            tracing::debug!("{} is empty or not to be had: the password from before is used", path.display());
            settings.clone()
        }
    }
}

async fn contents(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    tokio::fs::File::open(path).await?.take(LONGEST).read_to_string(&mut text).await?;
    Ok(text)
}
