//! What one pairing ceremony computes: `cargo bench -p punktfunk-proto --bench pairing`.
//!
//! Both sides together must stay far below the 150 ms that a pairing may take.

use criterion::{Criterion, criterion_group, criterion_main};
use punktfunk_proto::{
    pairing::{ClientCeremony, HostCeremony, Outcome, PairingSecret},
    units::Fingerprint,
    wire::{PairChallenge, PairRequest},
};

const CLIENT: Fingerprint = Fingerprint::from_bytes([1; 32]);
const HOST: Fingerprint = Fingerprint::from_bytes([2; 32]);

fn client(secret: &PairingSecret) -> (ClientCeremony, PairRequest) {
    ClientCeremony::start(None, secret, (CLIENT, HOST), [3; 64])
}

fn answer(secret: &PairingSecret, request: &PairRequest) -> (HostCeremony, PairChallenge) {
    let mut host = HostCeremony::new(HOST, CLIENT);
    let challenge = host.handle_request(request, secret, [4; 64]).unwrap();
    (host, challenge)
}

fn pairing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pairing");
    for (name, secret) in [("PIN", "4321"), ("token", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ")] {
        let secret: PairingSecret = secret.parse().unwrap();
        let (_, request) = client(&secret);
        group.bench_function(format!("{name}, the host's answer to a stranger"), |bencher| {
            bencher.iter(|| answer(&secret, &request));
        });
        group.bench_function(format!("{name}, both sides, start to proof"), |bencher| {
            bencher.iter(|| {
                let (mut client, request) = client(&secret);
                let (mut host, challenge) = answer(&secret, &request);
                let proof = client.handle_challenge(&challenge).unwrap();
                assert!(matches!(host.handle_proof(&proof), Outcome::Paired { .. }));
                client.handle_result(true).unwrap();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, pairing);
criterion_main!(benches);
