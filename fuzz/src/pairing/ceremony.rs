//! The two ceremonies face to face.

use punktfunk_proto::pairing::{ClientCeremony, HostCeremony, Outcome, PairingError};
use punktfunk_proto::wire::{PairChallenge, PairProof, PairRequest};

use super::super::script::{Step, steps};
use super::setup::{CLIENT, CLIENT_ENTROPY, HOST, HOST_ENTROPY, Setup, bare, host_pin};
use super::{Milestone, Reached};

pub(super) fn play(setup: Setup, script: &[u8]) -> Reached {
    let (client, request) =
        ClientCeremony::start(Some("deck".into()), &setup.client_pin(), setup.seen_by_client(), CLIENT_ENTROPY);
    let mut table = Table {
        setup,
        host: HostCeremony::new(HOST, CLIENT),
        client,
        request,
        challenge: None,
        proof: None,
        spoilt: false,
        steps: [false; 4],
        reached: Reached::new(),
    };
    for step in steps(script).take(16) {
        table.step(&step);
    }
    table.reached
}

struct Table {
    setup: Setup,
    host: HostCeremony,
    client: ClientCeremony,
    request: PairRequest,
    challenge: Option<PairChallenge>,
    proof: Option<PairProof>,
    /// A message that counted was not the peer's own.
    spoilt: bool,
    /// Which of [`bare`] have happened.
    steps: [bool; 4],
    reached: Reached,
}

impl Table {
    fn step(&mut self, step: &Step) {
        let action = step.action % bare::COUNT;
        let first = !std::mem::replace(&mut self.steps[usize::from(action)], true);
        match action {
            bare::REQUEST => self.request(step, first),
            bare::CHALLENGE => self.challenge(step, first),
            bare::PROOF => self.proof(step),
            _ => self.result(step.side % 2 == 1, first),
        }
    }

    fn request(&mut self, step: &Step, first: bool) {
        let mut request = self.request.clone();
        let honest = !spoil(&mut request.spake, step);
        match self.host.handle_request(&request, &host_pin(), HOST_ENTROPY) {
            Ok(challenge) => {
                assert!(first);
                self.spoilt |= !honest;
                self.challenge = Some(challenge);
            }
            Err(PairingError::Malformed) => assert!(first && !honest),
            Err(error) => {
                assert_eq!(error, PairingError::OutOfOrder);
                assert!(!first || self.steps[usize::from(bare::PROOF)]);
            }
        }
    }

    fn challenge(&mut self, step: &Step, first: bool) {
        let Some(mut challenge) = self.challenge.clone() else {
            self.steps[usize::from(bare::CHALLENGE)] = !first;
            return;
        };
        let mut bytes = [challenge.spake.as_slice(), &challenge.confirmation].concat();
        let honest = !spoil(&mut bytes, step);
        let (spake, confirmation) = bytes.split_at(challenge.spake.len());
        challenge.spake.copy_from_slice(spake);
        challenge.confirmation.copy_from_slice(confirmation);
        let works = honest && !self.spoilt && self.setup.can_pair();
        match self.client.handle_challenge(&challenge) {
            Ok(proof) => {
                assert!(first && works, "a client took a challenge it must not take");
                self.proof = Some(proof);
            }
            Err(PairingError::WrongPin) => assert!(first && !works),
            Err(PairingError::Malformed) => assert!(first && !honest),
            Err(error) => assert_eq!(error, PairingError::OutOfOrder),
        }
    }

    /// Without a proof of the client's the fuzzer makes one up.
    fn proof(&mut self, step: &Step) {
        let mut proof = self.proof.clone().unwrap_or(PairProof { confirmation: [0; 32] });
        let honest = !spoil(&mut proof.confirmation, step) && self.proof.is_some();
        if let Outcome::Paired { name } = self.host.handle_proof(&proof) {
            assert!(honest && !self.spoilt && self.setup.can_pair(), "a host took a proof it must not take");
            assert_eq!(name.as_deref(), Some("deck"));
            assert!(self.reached.insert(Milestone::Proven), "a proof was taken twice");
        }
    }

    fn result(&mut self, paired: bool, first: bool) {
        match self.client.handle_result(paired) {
            Ok(()) => {
                assert!(first && paired && self.proof.is_some());
                self.reached.insert(Milestone::Paired);
            }
            Err(PairingError::Refused) => assert!(first && !paired && self.proof.is_some()),
            Err(error) => assert_eq!(error, PairingError::OutOfOrder),
        }
    }
}

/// Writes the step's bytes over `message`; whether that changed it.
fn spoil(message: &mut [u8], step: &Step) -> bool {
    let before = message.to_vec();
    let at = usize::from(step.number) % message.len();
    message[at..].iter_mut().zip(&step.bytes).for_each(|(to, from)| *to = *from);
    message != before
}
