//! The PINs that Moonlight shows.

use punktfunk_gamestream::pairing::{Outcome, Pin, TypeRefusal};

use punktfunk_trust::AuditEvent;

use super::{Order, error, pairing::offer};
use crate::{
    admin::protocol::{AdminError, AdminErrorCode, Device, MoonlightPin, MoonlightWaiting, Moonlights},
    gamestream::Typed,
};

impl Order<'_> {
    pub(in crate::supervisor) fn moonlights(&self) -> Moonlights {
        let waiting = self.host.moonlight.pairing().waiting().into_iter();
        let waiting = waiting
            .map(|waiting| MoonlightWaiting { address: waiting.peer.to_string(), age_seconds: waiting.age.as_secs() });
        Moonlights { enabled: self.host.config.gamestream.enable, waiting: waiting.collect() }
    }

    /// Waits until the device has proven itself, or has not: some seconds at most.
    pub(in crate::supervisor) fn type_moonlight_pin(&self, request: &MoonlightPin) -> Result<Device, AdminError> {
        if !self.host.config.gamestream.enable {
            return Err(error(AdminErrorCode::Refused, OFF));
        }
        let pin: Pin = request.pin.reveal().parse().map_err(|_| error(AdminErrorCode::BadRequest, "no PIN"))?;
        let typed = Typed {
            by: self.origin.clone(),
            offer: offer((request.access, request.expires)),
            label: request.label.clone(),
        };
        let moonlight = &self.host.moonlight;
        let (id, device) = moonlight.type_pin(request.address, &pin, typed).map_err(not_taken)?;
        // Orders run where waiting is allowed.
        let outcome = tokio::runtime::Handle::current().block_on(moonlight.pairing().outcome(id));
        moonlight.take_typed(id);
        if matches!(outcome, Outcome::WrongPin | Outcome::GaveUp | Outcome::Lapsed) {
            tracing::warn!(device = device.short(), ?outcome, "a Moonlight was not paired");
            self.host.record(self.origin.clone(), AuditEvent::PinGuessed { device });
        }
        match outcome {
            Outcome::Paired(fingerprint) => {
                let device = self.host.with_trust(|trust, _| trust.device(fingerprint).cloned());
                let gone = || error(AdminErrorCode::NotFound, "the device was removed as soon as it was paired");
                device.map(|device| self.as_told(&device)).ok_or_else(gone)
            }
            Outcome::WrongPin | Outcome::GaveUp => Err(error(AdminErrorCode::Refused, WRONG)),
            Outcome::Lapsed => Err(error(AdminErrorCode::Refused, SILENT)),
            Outcome::NotStored => Err(error(AdminErrorCode::NotStored, NOT_STORED)),
        }
    }
}

fn not_taken(refusal: TypeRefusal) -> AdminError {
    let code = match refusal {
        TypeRefusal::NobodyWaits => AdminErrorCode::NotFound,
        TypeRefusal::SeveralWait => AdminErrorCode::Ambiguous,
        TypeRefusal::TooFast => AdminErrorCode::Refused,
    };
    error(code, refusal.to_string())
}

const OFF: &str = "the host does not speak with Moonlight: set gamestream.enable and restart it";
const WRONG: &str = "the device shows another PIN, so it was not paired; begin again in Moonlight and type the new PIN";
const SILENT: &str = "the device did not answer; look whether it is still in the network and begin again in Moonlight";
const NOT_STORED: &str = "the PIN was right, but the pairing could not be stored; the host's log says why";
