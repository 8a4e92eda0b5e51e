//! The PIN ceremony.

use std::ffi::{CStr, c_char};

use punktfunk_proto::{
    pairing::{ClientCeremony, ENTROPY_LEN, HostCeremony, Outcome, PairingError, PairingSecret},
    units::Fingerprint,
    wire::ControlMessage,
};

use crate::{
    pointers::{free, handle, slice, slice_mut},
    status::{Fault, PfStatus, guard},
};

/// Bytes of a certificate's SHA-256.
pub const PF_FINGERPRINT_BYTES: usize = 32;
/// Fresh random bytes that a side needs.
pub const PF_ENTROPY_BYTES: usize = 64;
/// The longest message of the ceremony.
pub const PF_PAIRING_MESSAGE_BYTES: usize = 128;

const _: () = assert!(PF_ENTROPY_BYTES == ENTROPY_LEN);

/// One side of one attempt to pair. Messages are payloads of the control stream, without its length prefix.
pub struct PfPairing {
    side: Side,
    paired: bool,
}

enum Side {
    Client(ClientCeremony),
    Host { ceremony: HostCeremony, pin: PairingSecret, entropy: [u8; ENTROPY_LEN] },
}

struct Parties {
    client: Fingerprint,
    host: Fingerprint,
    pin: PairingSecret,
    entropy: [u8; ENTROPY_LEN],
}

/// # Safety
/// Each pointer is null or points to as many bytes as its constant says; `pin` to a string that ends with a zero: a PIN, or the token of a link.
unsafe fn parties(
    pin: *const c_char,
    client: *const u8,
    host: *const u8,
    entropy: *const u8,
) -> Result<Parties, Fault> {
    if pin.is_null() {
        return Err(Fault::argument("no PIN"));
    }
    // SAFETY: not null, so a string.
    let pin = unsafe { CStr::from_ptr(pin) }.to_str().map_err(Fault::argument)?;
    // SAFETY: the caller's promise.
    let (client, host, entropy) = unsafe {
        (slice(client, PF_FINGERPRINT_BYTES)?, slice(host, PF_FINGERPRINT_BYTES)?, slice(entropy, PF_ENTROPY_BYTES)?)
    };
    let print = |bytes: &[u8]| Fingerprint::from_bytes(bytes.try_into().expect("as long as a fingerprint"));
    Ok(Parties {
        client: print(client),
        host: print(host),
        pin: pin
            .parse()
            .map_err(|_| Fault::argument("a secret is the four digits of a PIN, or the token of a link"))?,
        entropy: entropy.try_into().expect("as long as it has to be"),
    })
}

/// Begins the client's side and writes its first message to `message`, which has room for `PF_PAIRING_MESSAGE_BYTES`;
/// `length` becomes its length. `name` may be null. `host_fp` is the fingerprint of the certificate seen on this
/// connection; `entropy` comes fresh from the system's generator.
///
/// # Safety
/// Strings end with a zero; `client_fp` and `host_fp` point to `PF_FINGERPRINT_BYTES`, `entropy` to `PF_ENTROPY_BYTES`;
/// `out` points to a pointer, `length` to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_pairing_client(
    name: *const c_char,
    pin: *const c_char,
    client_fp: *const u8,
    host_fp: *const u8,
    entropy: *const u8,
    message: *mut u8,
    length: *mut usize,
    out: *mut *mut PfPairing,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let Parties { client, host, pin, entropy } = unsafe { parties(pin, client_fp, host_fp, entropy)? };
        // SAFETY: the caller's promise.
        let (out, message) = unsafe { (handle(out)?, Reply::to(message, length)?) };
        // SAFETY: not null, so a string.
        let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned());
        let (ceremony, request) = ClientCeremony::start(name, &pin, (client, host), entropy);
        message.write(&ControlMessage::PairRequest(request));
        *out = Box::into_raw(Box::new(PfPairing { side: Side::Client(ceremony), paired: false }));
        Ok(PfStatus::Ok)
    })
}

/// Begins the host's side. The PIN is spent once `pf_pairing_handle` has written a challenge.
///
/// # Safety
/// As `pf_pairing_client`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_pairing_host(
    pin: *const c_char,
    client_fp: *const u8,
    host_fp: *const u8,
    entropy: *const u8,
    out: *mut *mut PfPairing,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let Parties { client, host, pin, entropy } = unsafe { parties(pin, client_fp, host_fp, entropy)? };
        // SAFETY: the caller's promise.
        let out = unsafe { handle(out)? };
        let side = Side::Host { ceremony: HostCeremony::new(host, client), pin, entropy };
        *out = Box::into_raw(Box::new(PfPairing { side, paired: false }));
        Ok(PfStatus::Ok)
    })
}

/// Takes the peer's message in. `PfStatus::Ok` when `message` now holds an answer to send, `PfStatus::Nothing` when there is
/// none; then `pf_pairing_is_paired` tells the outcome. On `PfStatus::WrongPin` the client closes without a word.
///
/// # Safety
/// `pairing` is a handle, `received` points to `received_length` bytes, `message` to `PF_PAIRING_MESSAGE_BYTES`, `length` to
/// a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_pairing_handle(
    pairing: *mut PfPairing,
    received: *const u8,
    received_length: usize,
    message: *mut u8,
    length: *mut usize,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (pairing, received) = unsafe { (handle(pairing)?, slice(received, received_length)?) };
        // SAFETY: the caller's promise.
        let message = unsafe { Reply::to(message, length)? };
        let received = ControlMessage::decode(received).map_err(|error| Fault::new(PfStatus::PeerMisbehaved, error))?;
        match pairing.step(received)? {
            Some(answer) => message.write(&answer),
            None => return Ok(PfStatus::Nothing),
        }
        Ok(PfStatus::Ok)
    })
}

/// 1 once both sides have proved that they know the PIN.
///
/// # Safety
/// `pairing` is null or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_pairing_is_paired(pairing: *const PfPairing) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { pairing.as_ref() }.map_or(0, |pairing| u32::from(pairing.paired))
}

/// Frees a ceremony.
///
/// # Safety
/// `pairing` is null or a handle that is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_pairing_free(pairing: *mut PfPairing) {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        free(pairing);
        Ok(PfStatus::Ok)
    });
}

impl PfPairing {
    fn step(&mut self, received: ControlMessage) -> Result<Option<ControlMessage>, Fault> {
        match (&mut self.side, received) {
            (Side::Client(ceremony), ControlMessage::PairChallenge(challenge)) => {
                ceremony.handle_challenge(&challenge).map(|proof| Some(ControlMessage::PairProof(proof))).map_err(fault)
            }
            (Side::Client(ceremony), ControlMessage::PairResult { paired }) => {
                ceremony.handle_result(paired).map_err(fault)?;
                self.paired = true;
                Ok(None)
            }
            (Side::Host { ceremony, pin, entropy }, ControlMessage::PairRequest(request)) => {
                let challenge = ceremony.handle_request(&request, pin, *entropy).map_err(fault)?;
                Ok(Some(ControlMessage::PairChallenge(challenge)))
            }
            (Side::Host { ceremony, .. }, ControlMessage::PairProof(proof)) => {
                self.paired = matches!(ceremony.handle_proof(&proof), Outcome::Paired { .. });
                Ok(Some(ControlMessage::PairResult { paired: self.paired }))
            }
            _ => Err(fault(PairingError::OutOfOrder)),
        }
    }
}

fn fault(error: PairingError) -> Fault {
    let status = match error {
        PairingError::WrongPin | PairingError::Refused => PfStatus::WrongPin,
        PairingError::Malformed | PairingError::OutOfOrder => PfStatus::PeerMisbehaved,
    };
    Fault::new(status, error)
}

/// Where an answer goes.
struct Reply<'a> {
    bytes: &'a mut [u8],
    length: &'a mut usize,
}

impl Reply<'_> {
    /// # Safety
    /// `bytes` is null or points to `PF_PAIRING_MESSAGE_BYTES`, `length` is null or points to a number.
    unsafe fn to(bytes: *mut u8, length: *mut usize) -> Result<Self, Fault> {
        // SAFETY: the caller's promise.
        Ok(unsafe { Self { bytes: slice_mut(bytes, PF_PAIRING_MESSAGE_BYTES)?, length: handle(length)? } })
    }

    fn write(self, message: &ControlMessage) {
        let encoded = message.encode();
        // The longest is a request with a name of 64 bytes: 105.
        self.bytes[..encoded.len()].copy_from_slice(&encoded);
        *self.length = encoded.len();
    }
}
