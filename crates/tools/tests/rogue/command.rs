//! `punktfunk-tools rogue` itself.

use std::process::{Command, Output};

fn rogue(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_punktfunk-tools")).arg("rogue").args(args).output().unwrap()
}

#[test]
fn an_attack_is_told_as_a_table_and_as_json() {
    let table = rogue(&["--attack", "replay"]);
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(table.status.success(), "{text}{}", String::from_utf8_lossy(&table.stderr));
    assert!(text.starts_with("replay (abuse case 6)") && text.contains("ok   nobody is paired by it"), "{text}");
    let json = rogue(&["--attack", "replay", "--attack", "reflection", "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let attacks: Vec<_> = found["findings"].as_array().unwrap().iter().map(|finding| &finding["attack"]).collect();
    assert_eq!(attacks, ["replay", "reflection"]);
    assert_eq!(found["findings"][0]["checks"][0]["kept"], true);
}

#[test]
fn the_help_shows_examples_and_names_every_attack() {
    let help = String::from_utf8(rogue(&["--help"]).stdout).unwrap();
    for word in ["Examples:", "pair-attempts", "stolen-certificate", "Exit code 1 if a promise was broken"] {
        assert!(help.contains(word), "{word} is missing in {help}");
    }
    assert_eq!(rogue(&["--attack", "kindness"]).status.code(), Some(2));
}
