//! What the pages ask, answered by the host.

use std::{net::IpAddr, sync::Arc, time::Instant};

use punktfunk_gamestream::{
    Launch,
    pages::{Application, Description, Host, Refusal},
    pairing::Proven,
};
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Device, Offer, Origin, Verdict};

use super::{End, application, codecs};
use crate::supervisor::Supervisor;

pub(super) struct Pages {
    supervisor: Arc<Supervisor>,
    unique_id: String,
}

impl Pages {
    pub(super) fn new(supervisor: Arc<Supervisor>, unique_id: String) -> Self {
        Self { supervisor, unique_id }
    }

    /// The device, if it is paired and its time is not over; an open policy lets nobody else in here.
    fn device(&self, fingerprint: Fingerprint) -> Option<Device> {
        match self.supervisor.assess(fingerprint) {
            Verdict::Admit(device) => Some(device),
            Verdict::AdmitOpen | Verdict::Park | Verdict::Refuse(_) => None,
        }
    }
}

impl Host for Pages {
    fn describe(&self, local: IpAddr) -> Description {
        let config = self.supervisor.config();
        Description {
            name: config.host.display_name(),
            unique_id: self.unique_id.clone(),
            port: config.gamestream.port,
            codecs: codecs(config),
            mac: hardware_address(local),
        }
    }

    fn is_paired(&self, device: Fingerprint) -> bool {
        self.device(device).is_some()
    }

    fn applications(&self) -> Vec<Application> {
        vec![application(self.supervisor.config())]
    }

    fn running(&self, device: Fingerprint) -> Option<u32> {
        self.supervisor.moonlight().desk().runs_for(device)
    }

    /// The right to start a title is not asked for: there is one application, which every session of the host runs.
    fn launch(&self, launch: Launch) -> Result<(), Refusal> {
        let gone = || Refusal::new(401, "this device is not paired with the host");
        let device = self.device(launch.device).ok_or_else(gone)?;
        self.supervisor.can_stream().map_err(|reason| Refusal::new(503, reason))?;
        tracing::info!(device = %device.name, peer = %launch.peer, resume = launch.resume, "a Moonlight launches");
        let fingerprint = launch.device;
        let desk = self.supervisor.moonlight().desk();
        let armed = desk.arm(Instant::now(), launch, device.access.grants);
        armed.map_err(|full| Refusal::new(503, full.to_string()))?;
        // A removal between the question and the slot found nothing to end.
        if self.device(fingerprint).is_none() {
            desk.end(fingerprint, End::Revoked);
            return Err(gone());
        }
        Ok(())
    }

    fn cancel(&self, device: Fingerprint) {
        if self.supervisor.moonlight().desk().end(device, End::Cancelled) {
            tracing::info!(device = device.short(), "a Moonlight quits");
        }
    }

    fn pair(&self, proven: &Proven) -> bool {
        let typed = self.supervisor.moonlight().take_typed(proven.id);
        let fingerprint = proven.certificate.fingerprint();
        let by_itself = || Origin::device(fingerprint, proven.peer);
        let (typed_by, offer, label) = match typed {
            Some(typed) => (typed.by, typed.offer, typed.label),
            None => (by_itself(), Offer::default(), None),
        };
        let name = label.unwrap_or_else(|| format!("Moonlight on {}", proven.peer));
        let stored = self.supervisor.pair_moonlight((fingerprint, &name), offer, typed_by, by_itself());
        match &stored {
            Ok(device) => tracing::info!(device = %device.name, fingerprint = fingerprint.short(), "paired"),
            Err(error) => tracing::error!(%error, "the pairing could not be stored"),
        }
        stored.is_ok()
    }
}

/// The hardware address of the interface that has this address, for Wake-on-LAN.
fn hardware_address(local: IpAddr) -> Option<[u8; 6]> {
    let local = local.to_canonical();
    let interfaces = if_addrs::get_if_addrs().ok()?;
    let name = interfaces.into_iter().find(|interface| interface.ip() == local)?.name;
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/address")).ok()?;
    let mut bytes = text.trim().split(':').map(|digits| u8::from_str_radix(digits, 16));
    let mut next = || bytes.next()?.ok();
    let address = [next()?, next()?, next()?, next()?, next()?, next()?];
    (address != [0; 6]).then_some(address)
}
