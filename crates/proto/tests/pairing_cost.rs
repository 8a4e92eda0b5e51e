//! What a ceremony costs once the PIN is typed: round trips, counted; its CPU is in `benches/pairing.rs`.

use std::time::Instant;

use punktfunk_proto::{
    pairing::PairingSecret,
    session::{
        ControlSession, Transmit,
        client_pairing::{ClientPairing, PairingOutcome},
        host_control::{HostCommand, HostControl, HostEvent},
    },
    units::{ClientTime, Fingerprint, HostTime},
};

const CLIENT: Fingerprint = Fingerprint::from_bytes([1; 32]);
const HOST: Fingerprint = Fingerprint::from_bytes([2; 32]);

/// Two sides on a link that carries one flight at a time.
struct Link {
    now: Instant,
    client: ClientPairing,
    host: HostControl,
    secret: PairingSecret,
    /// Times that the client sent and then had to wait for the host.
    round_trips: u32,
    bytes: usize,
}

impl Link {
    fn new(secret: &str) -> Self {
        let (now, secret) = (Instant::now(), secret.parse().unwrap());
        let client = ClientPairing::new(now, Some("TV".into()), &secret, (CLIENT, HOST), [9; 64]);
        Self { now, client, host: HostControl::new(now, Some(CLIENT), HOST), secret, round_trips: 0, bytes: 0 }
    }

    /// Everything the client has to say crosses, the host answers without waiting, and that crosses back.
    fn round_trip(&mut self) {
        self.round_trips += 1;
        while let Some(Transmit::Stream(bytes)) = self.client.poll_transmit(self.now, ClientTime::from_nanos(0)) {
            self.bytes += bytes.len();
            self.host.handle_stream(self.now, HostTime::from_nanos(0), &bytes);
        }
        while let Some(event) = self.host.poll_event() {
            let command = match event {
                HostEvent::PairingRequested { .. } => {
                    HostCommand::BeginPairing { secret: self.secret.clone(), seed: [8; 64] }
                }
                HostEvent::PairingAnswered => HostCommand::SendChallenge,
                HostEvent::PairingProven { .. } => HostCommand::PairingStored { ok: true },
                other => panic!("{other:?}"),
            };
            self.host.handle_command(self.now, command);
        }
        while let Some(Transmit::Stream(bytes)) = self.host.poll_transmit(self.now, HostTime::from_nanos(0)) {
            self.bytes += bytes.len();
            self.client.handle_stream(self.now, ClientTime::from_nanos(0), &bytes);
        }
    }
}

#[test]
fn pairing_takes_two_round_trips_on_the_open_connection_by_pin_and_by_token_alike() {
    for secret in ["4321", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"] {
        let mut link = Link::new(secret);
        let outcome = loop {
            link.round_trip();
            match link.client.poll_event() {
                Some(outcome) => break outcome,
                None => assert!(link.round_trips < 10, "the ceremony hangs"),
            }
        };
        assert_eq!(outcome, PairingOutcome::Paired);
        assert_eq!(link.round_trips, 2, "request and challenge, proof and result");
        println!("{} round trips, {} bytes", link.round_trips, link.bytes);
    }
}
