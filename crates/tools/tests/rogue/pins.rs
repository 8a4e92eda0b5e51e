//! PINs that are none, given to the real client (abuse case 8). The PIN never travels: what the host may be given is
//! a request to pair, and what is wrong with a PIN is said before anything is computed or sent.

use punktfunk_tools::rogue::{Client, Persona, Rogue, Victim, pair, source};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_pin_is_refused_before_anything_is_computed_or_sent() {
    let (victim, client) = (Victim::start("").unwrap(), Client::new().unwrap());
    let (host, pin) = (victim.address.to_string(), victim.arm().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let megabyte = folder.path().join("pin");
    std::fs::write(&megabyte, "1".repeat(1 << 20)).unwrap();
    for text in ["", "00000", "１２３４", "12 4", "+123", "abcd"] {
        let refused = client.pair(&host, text).await.unwrap();
        assert_eq!(refused.exit, 2, "{text:?}: {refused:?}");
    }
    let file = megabyte.to_str().unwrap();
    let refused = client.run(&["pair", &host, "--pin-file", file]).await.unwrap();
    assert_eq!(refused.exit, 2, "{:?}", refused.said.get(..200));
    assert!(!refused.said.contains("1111") && !refused.message().contains("1111"), "the PIN is not repeated");
    // Nobody called the host: it is armed, and this address may ask at once.
    let device = Persona::fresh("Owner's own").unwrap();
    let line = Rogue::at(source(0)).unwrap().call(victim.address, &device).await.unwrap();
    assert!(pair(line, &device, &pin).await.unwrap().is_ok());
    assert_eq!(victim.devices().unwrap(), 1);
}
