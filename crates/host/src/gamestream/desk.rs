//! Where the pages and the streams of GameStream meet: what was launched and waits for its RTSP handshake, and what runs.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use punktfunk_gamestream::Launch;
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::Grants;
use tokio::sync::watch;

/// The desk of a host.
///
/// `/launch` and `/resume` put a [`Slot`] down ([`Desk::arm`]). The RTSP server looks which slot's key opens a request
/// ([`Desk::armed`]) and takes it ([`Desk::claim`]); then it says that an application runs for the device
/// ([`Desk::begin`]) and holds the [`Running`] for as long as it does, with a client or without. Through it the rest of
/// the host asks for the end ([`Orders`]). No call blocks.
///
/// A device has at most one slot and one running application: sessions belong to devices, and no device sees another's.
pub struct Desk {
    state: Mutex<State>,
    /// Applications that may run at once, and slots beside them.
    most: usize,
}

#[derive(Default)]
struct State {
    slots: Vec<Slot>,
    running: Vec<Entry>,
    last: u64,
}

struct Entry {
    number: u64,
    device: Fingerprint,
    application: u32,
    orders: watch::Sender<Orders>,
}

/// Which slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotNumber(u64);

/// A launch that waits for its RTSP handshake.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Its name at [`Desk::claim`].
    pub number: SlotNumber,
    /// What was agreed on.
    pub launch: Launch,
    /// What the device may do, as of the launch.
    pub grants: Grants,
    until: Instant,
}

/// What the host wants of a running application's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// What the device may do from now on.
    pub grants: Grants,
    /// Set once: end the stream and the application.
    pub end: Option<End>,
}

/// Why a stream is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its user quit (`/cancel`).
    Cancelled,
    /// The same device began anew: the application goes on with the new stream.
    TakenOver,
    /// The owner removed the device.
    Revoked,
    /// The device's time is over.
    Expired,
    /// The owner ended the session.
    Ended,
    /// The host stops.
    Stopping,
}

/// All places are taken by other devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this host streams to another device already; quit there, or try again later")]
pub struct Full;

impl Desk {
    /// Between a launch and the RTSP handshake it leads to.
    pub const CLAIMED_WITHIN: Duration = Duration::from_secs(10);

    /// A desk with room for `most` applications at once.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), most })
    }

    /// Puts a launch down, in place of an earlier one of the device.
    ///
    /// # Errors
    /// Other devices have all the places.
    pub fn arm(&self, now: Instant, launch: Launch, grants: Grants) -> Result<SlotNumber, Full> {
        let mut state = self.state();
        state.slots.retain(|slot| now < slot.until && slot.launch.device != launch.device);
        let others = state.running.iter().filter(|entry| entry.device != launch.device);
        if others.count() + state.slots.len() >= self.most {
            return Err(Full);
        }
        state.last += 1;
        let number = SlotNumber(state.last);
        state.slots.push(Slot { number, launch, grants, until: now + Self::CLAIMED_WITHIN });
        Ok(number)
    }

    /// The slots that wait, the newest first.
    pub fn armed(&self, now: Instant) -> Vec<Slot> {
        self.state().slots.iter().rev().filter(|slot| now < slot.until).cloned().collect()
    }

    /// Takes a slot, once; `None` if it has expired, was taken or was replaced.
    pub fn claim(&self, now: Instant, number: SlotNumber) -> Option<Slot> {
        let mut state = self.state();
        let at = state.slots.iter().position(|slot| slot.number == number && now < slot.until)?;
        Some(state.slots.remove(at))
    }

    /// An application runs for the device of `slot` from now on. An earlier stream of the device is told
    /// [`End::TakenOver`]; hand its application on.
    pub fn begin(self: &Arc<Self>, slot: &Slot) -> Running {
        let (device, application) = (slot.launch.device, slot.launch.application);
        let mut state = self.state();
        state.end(End::TakenOver, |entry| entry.device == device);
        state.last += 1;
        let number = state.last;
        let (sender, orders) = watch::channel(Orders { grants: slot.grants, end: None });
        state.running.push(Entry { number, device, application, orders: sender });
        drop(state);
        Running { desk: Arc::clone(self), number, orders }
    }

    /// The application that runs for `device`.
    pub fn runs_for(&self, device: Fingerprint) -> Option<u32> {
        self.state().running.iter().find(|entry| entry.device == device).map(|entry| entry.application)
    }

    /// Ends what `device` launched, whether it has begun or not; whether there was anything.
    pub fn end(&self, device: Fingerprint, end: End) -> bool {
        let mut state = self.state();
        let slots = state.slots.len();
        state.slots.retain(|slot| slot.launch.device != device);
        let ended = state.end(end, |entry| entry.device == device);
        ended || state.slots.len() < slots
    }

    /// Ends everything.
    pub fn end_all(&self, end: End) {
        let mut state = self.state();
        state.slots.clear();
        state.end(end, |_| true);
    }

    /// `device` may do this from now on.
    pub fn set_grants(&self, device: Fingerprint, grants: Grants) {
        let mut state = self.state();
        state.slots.iter_mut().filter(|slot| slot.launch.device == device).for_each(|slot| slot.grants = grants);
        for entry in state.running.iter().filter(|entry| entry.device == device) {
            entry.orders.send_modify(|orders| orders.grants = grants);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells those that are meant, and forgets them: to the pages they have ended already.
    fn end(&mut self, end: End, meant: impl Fn(&Entry) -> bool) -> bool {
        let before = self.running.len();
        self.running.retain(|entry| {
            let ends = meant(entry);
            if ends {
                entry.orders.send_modify(|orders| orders.end = Some(end));
            }
            !ends
        });
        self.running.len() < before
    }
}

/// An application that runs for a device. Dropped, it has ended.
pub struct Running {
    desk: Arc<Desk>,
    number: u64,
    orders: watch::Receiver<Orders>,
}

impl Running {
    /// What the host wants now and, with [`watch::Receiver::changed`], when it wants something else.
    pub fn orders(&self) -> watch::Receiver<Orders> {
        self.orders.clone()
    }

    /// Waits until the host wants the end.
    pub async fn asked_to_end(&self) -> End {
        let mut orders = self.orders.clone();
        match orders.wait_for(|orders| orders.end.is_some()).await.map(|orders| orders.end) {
            Ok(Some(end)) => end,
            Ok(None) | Err(_) => End::Ended,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.desk.state().running.retain(|entry| entry.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr},
        sync::Arc,
        time::{Duration, Instant},
    };

    use punktfunk_gamestream::{AudioLayout, Launch};
    use punktfunk_proto::units::Fingerprint;
    use punktfunk_trust::Grants;

    use super::{Desk, End, Full};

    fn launch(device: u8, key: u8) -> Launch {
        Launch {
            device: Fingerprint::of_certificate(&[device]),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            key: [key; 16],
            key_id: 7,
            application: 1,
            resume: false,
            mode: None,
            audio: AudioLayout::Stereo,
            encrypted_rtsp: true,
            gamepads: 0,
        }
    }

    fn armed(desk: &Desk, now: Instant) -> Vec<u8> {
        desk.armed(now).iter().map(|slot| slot.launch.key[0]).collect()
    }

    #[test]
    fn a_launch_is_taken_once_and_only_within_ten_seconds() {
        let (desk, now) = (Desk::new(2), Instant::now());
        let number = desk.arm(now, launch(1, 1), Grants::FULL).unwrap();
        assert!(desk.claim(now, number).is_some());
        assert!(desk.claim(now, number).is_none());
        let number = desk.arm(now, launch(1, 2), Grants::FULL).unwrap();
        let late = now + Desk::CLAIMED_WITHIN;
        assert!(desk.armed(late).is_empty());
        assert!(desk.claim(late, number).is_none());
    }

    #[test]
    fn a_newer_launch_of_a_device_replaces_its_earlier_one() {
        let (desk, now) = (Desk::new(1), Instant::now());
        let first = desk.arm(now, launch(1, 1), Grants::FULL).unwrap();
        desk.arm(now, launch(1, 2), Grants::FULL).unwrap();
        assert_eq!(armed(&desk, now), [2]);
        assert!(desk.claim(now, first).is_none());
    }

    #[test]
    fn a_device_has_its_own_place_and_no_other_device_gets_it() {
        let (desk, now) = (Desk::new(1), Instant::now());
        let number = desk.arm(now, launch(1, 1), Grants::FULL).unwrap();
        assert_eq!(desk.arm(now, launch(2, 2), Grants::FULL), Err(Full));
        let slot = desk.claim(now, number).unwrap();
        let running = desk.begin(&slot);
        assert_eq!(desk.arm(now, launch(2, 2), Grants::FULL), Err(Full));
        assert!(desk.arm(now + Duration::from_secs(1), launch(1, 3), Grants::FULL).is_ok(), "it may come back");
        drop(running);
        let later = now + 2 * Desk::CLAIMED_WITHIN;
        assert!(desk.arm(later, launch(2, 2), Grants::FULL).is_ok());
    }

    #[tokio::test]
    async fn what_is_cancelled_is_told_and_counts_as_ended_at_once() {
        let (desk, now) = (Desk::new(1), Instant::now());
        let number = desk.arm(now, launch(1, 1), Grants::FULL).unwrap();
        let slot = desk.claim(now, number).unwrap();
        let running = desk.begin(&slot);
        let device = slot.launch.device;
        assert_eq!(desk.runs_for(device), Some(1));
        assert_eq!(desk.runs_for(Fingerprint::of_certificate(&[2])), None);
        assert!(desk.end(device, End::Cancelled));
        assert_eq!(desk.runs_for(device), None);
        assert_eq!(running.asked_to_end().await, End::Cancelled);
        assert!(!desk.end(device, End::Cancelled));
    }

    #[tokio::test]
    async fn a_stream_that_is_taken_over_leaves_the_new_one_running() {
        let (desk, now) = (Desk::new(1), Instant::now());
        let begin = |key| {
            let number = desk.arm(now, launch(1, key), Grants::FULL).unwrap();
            Arc::clone(&desk).begin(&desk.claim(now, number).unwrap())
        };
        let (first, second) = (begin(1), begin(2));
        assert_eq!(first.asked_to_end().await, End::TakenOver);
        drop(first);
        assert_eq!(desk.runs_for(Fingerprint::of_certificate(&[1])), Some(1));
        desk.set_grants(Fingerprint::of_certificate(&[1]), Grants::VIEW_ONLY);
        assert_eq!(second.orders().borrow().grants, Grants::VIEW_ONLY);
    }
}
