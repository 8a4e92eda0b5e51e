//! The device with which the host is checked from outside: let in once, without being paired.
//!
//! Who may ask for it holds the admin socket, and so may pair devices anyway. It is known in memory only: no row in the
//! trust store or the audit log, no place among the sessions. It sees the test picture, never what the owner runs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::host_control::{HostCommand, HostEvent},
    units::Fingerprint,
    wire::{CloseCode, Hello},
};
use punktfunk_trust::Grants;

use super::{
    Supervisor,
    admission::{Guest, Turned, open},
    connection::Owner,
};
use crate::{config::Config, session::plan::SessionPlan};

/// A device that is expected.
pub(super) struct Expected {
    fingerprint: Fingerprint,
    until: Instant,
}

impl Supervisor {
    /// Lets this device in once, within a minute; it takes the place of one that was expected before.
    pub(super) fn expect_probe(&self, fingerprint: Fingerprint) {
        *self.probe() = Some(Expected { fingerprint, until: Instant::now() + EXPECTED_FOR });
    }

    /// Whether this is the device that is expected; it is no longer after that.
    pub(super) fn take_probe(&self, fingerprint: Option<Fingerprint>) -> bool {
        let mut probe = self.probe();
        let is_it = |expected: &Expected| Some(expected.fingerprint) == fingerprint && Instant::now() < expected.until;
        let taken = probe.as_ref().is_some_and(is_it);
        if taken {
            *probe = None;
        }
        taken
    }
}

/// Streams the test picture to the device until it leaves, at most [`STAYS_FOR`].
pub(super) async fn serve(mut owner: Owner, hello: Hello) {
    owner.stranger = None;
    tracing::info!(peer = %owner.peer, "the health check is let in");
    let plan = test_picture(&owner.supervisor.config)
        .and_then(|config| SessionPlan::decide(&config, &hello, owner.peer.ip()).map_err(|fault| fault.to_string()));
    let plan = match plan {
        Ok(plan) => plan,
        Err(fault) => return owner.refuse(CloseCode::SetupFailed, fault).await,
    };
    let guest = Guest { name: "health check".into(), fingerprint: None, grants: Grants::FULL, remaining: None };
    let (session, pipeline, admission) = match open(&owner, plan, &guest, None).await {
        Ok(opened) => opened,
        Err(Turned(code, reason)) => return owner.refuse(code, reason).await,
    };
    let _ = owner.live.set(Arc::clone(&session));
    owner.tell(HostCommand::Accept(admission)).await;
    let stay = async {
        loop {
            match owner.events.recv().await {
                Some(HostEvent::Started { media_port }) => session.begin(media_port, owner.link.clone()),
                Some(HostEvent::Closed(_)) | None => return,
                Some(_) => {}
            }
        }
    };
    if tokio::time::timeout(STAYS_FOR, stay).await.is_err() {
        session.close(CloseCode::Ended, "the health check took too long");
    }
    session.input.release_all();
    if let Err(error) = tokio::task::spawn_blocking(move || pipeline.stop()).await {
        tracing::error!(%error, "the health check's threads did not end cleanly");
    }
}

/// The configuration with the test picture as its application: everything but what the owner runs.
fn test_picture(config: &Config) -> Result<Config, String> {
    let this = std::env::current_exe().map_err(|error| format!("the host's own program cannot be found: {error}"))?;
    let mut config = config.clone();
    config.session.command = vec![this.to_string_lossy().into_owned(), "test-picture".into()];
    config.session.environment = Default::default();
    config.session.directory = None;
    Ok(config)
}

/// From the announcement to the connection.
const EXPECTED_FOR: Duration = Duration::from_secs(60);
const STAYS_FOR: Duration = Duration::from_secs(180);
