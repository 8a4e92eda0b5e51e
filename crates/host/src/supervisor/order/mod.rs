//! What the owner asks, carried out: over the admin socket ([`super::admin`]) or the API ([`super::api`]).
//!
//! [`Order`] is one request by somebody: what it changes is put down to them in the audit log. Orders may block for as
//! long as a disk write takes, those that hash or encrypt for a second.

mod administrator;
mod devices;
mod moonlight;
mod pairing;
mod sessions;
mod settings;
mod updates;
mod upkeep;

use std::time::Duration;

use punktfunk_trust::{DeviceState, Moment, Origin, PairingPolicy, Trust};

use super::Supervisor;
use crate::admin::protocol::{AccessWord, AdminError, AdminErrorCode, ExpiresIn, HostStatus};

pub(super) use administrator::told;
pub(super) use sessions::obituary;
pub use updates::UpdatePlaces;

/// One request.
pub(super) struct Order<'a> {
    host: &'a Supervisor,
    origin: Origin,
}

/// Rights and time as they were asked for; what is absent is the default.
pub(super) type Asked = (Option<AccessWord>, Option<ExpiresIn>);

impl<'a> Order<'a> {
    /// A request by `origin`.
    pub(super) fn new(host: &'a Supervisor, origin: Origin) -> Self {
        Self { host, origin }
    }

    /// Changes trust in the caller's name.
    fn change<T>(&self, act: impl FnOnce(&mut Trust, Moment) -> T) -> T {
        self.host.change_trust(|trust, now| act(&mut trust.acting(self.origin.clone()), now))
    }

    /// How the host is, for its owner.
    pub(super) fn status(&self) -> HostStatus {
        let host = self.host;
        let (window, pending, devices, policy, id) = host.with_trust(|trust, now| {
            let devices = trust.devices().filter(|device| device.state == DeviceState::Paired).count();
            (trust.window(now), trust.knocks(now).count(), devices, trust.policy(), trust.host_id().to_owned())
        });
        let media = host.media.chosen();
        let none = || "none".to_owned();
        HostStatus {
            host_version: env!("CARGO_PKG_VERSION").into(),
            name: host.config.host.display_name(),
            id: host.config.host.id.clone().unwrap_or(id),
            fingerprint: host.identity,
            listen: host.listen.to_string(),
            console: host.console.get().map(ToString::to_string),
            pairing_policy: match policy {
                PairingPolicy::Require => "require".into(),
                PairingPolicy::Open => "open".into(),
            },
            mdns: host.config.network.mdns.enable,
            display: media.backend.map_or_else(none, |backend| backend.name().to_owned()),
            encoder: media.encoder.map_or_else(none, |encoder| encoder.name().to_owned()),
            administrator: told(host.administrator().state()),
            uptime_seconds: host.started.elapsed().as_secs(),
            pin_window: pairing::told_window(window),
            pending: count(pending),
            devices: count(devices),
            sessions: count(host.sessions().all().len()),
            max_sessions: host.config.session.max_sessions.into(),
            warnings: host.warnings(),
        }
    }
}

pub(super) fn error(code: AdminErrorCode, message: impl Into<String>) -> AdminError {
    AdminError { code, message: message.into() }
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX)
}

pub(super) fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
