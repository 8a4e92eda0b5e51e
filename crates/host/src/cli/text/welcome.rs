//! The machine's own screen, which is 80 columns and 25 lines where it is smallest: a picture of the address takes 17.

use super::{columns::printable, qr};
use crate::cli::{
    ctl::welcome::{Machine, Welcome},
    language::Language,
};

pub(in crate::cli) fn welcome_text(welcome: &Welcome, language: Language) -> String {
    match welcome {
        Welcome::Starting => language.pick("punktfunk starts…\n", "punktfunk startet…\n").to_owned(),
        Welcome::Unclaimed { machine, code } => unclaimed(machine, code, language),
        Welcome::Ready { machine } => ready(machine, language),
    }
}

fn unclaimed(machine: &Machine, code: &str, language: Language) -> String {
    let name = printable(&machine.name);
    let picture = machine.addresses.first().and_then(|address| qr::blocks(address));
    let mut text = picture.map(|blocks| format!("{blocks}\n")).unwrap_or_default();
    text.push_str(&match language {
        Language::English => {
            format!("{name} belongs to nobody yet. Open the address and type the code.\n")
        }
        Language::German => format!("{name} gehört noch niemandem. Adresse öffnen, Code eingeben.\n"),
    });
    text.push_str(&places(machine, language));
    text.push_str(&format!("{}: {}\n", language.pick("Claim code", "Einrichtungscode"), printable(code)));
    text.push_str(language.pick(
        "The browser warns: the certificate is this machine's own. Its fingerprint:\n",
        "Der Browser warnt: Das Zertifikat ist das der Maschine. Sein Fingerabdruck:\n",
    ));
    text.push_str(&format!("{}\n", machine.fingerprint.grouped()));
    text
}

fn ready(machine: &Machine, language: Language) -> String {
    let name = printable(&machine.name);
    let mut text = match language {
        Language::English => format!("{name} is ready.\n"),
        Language::German => format!("{name} ist bereit.\n"),
    };
    text.push_str(&places(machine, language));
    for warning in &machine.warnings {
        text.push_str(&format!("{}: {}\n", language.pick("warning", "Warnung"), printable(warning)));
    }
    text
}

/// The addresses of the console, a line each.
fn places(machine: &Machine, language: Language) -> String {
    if machine.addresses.is_empty() {
        let none = language.pick(
            "The console cannot be reached: no network cable, no address from the router, or it is switched off.\n",
            "Die Konsole ist nicht erreichbar: kein Kabel, keine Adresse vom Router, oder abgeschaltet.\n",
        );
        return none.to_owned();
    }
    let head = language.pick("Console", "Konsole");
    machine.addresses.iter().map(|address| format!("{head}: {address}\n")).collect()
}

#[cfg(test)]
mod tests {
    use punktfunk_proto::units::Fingerprint;

    use super::{Language, Machine, Welcome, welcome_text};

    fn machine() -> Machine {
        Machine {
            name: "punktfunk-1a2b".into(),
            addresses: vec!["https://192.168.178.123:47990/".into(), "https://punktfunk-1a2b.local:47990/".into()],
            fingerprint: Fingerprint::from_bytes([0xab; 32]),
            warnings: vec!["the disk is full".into()],
        }
    }

    #[test]
    fn a_new_machine_shows_address_code_and_fingerprint_on_the_smallest_screen() {
        for language in [Language::English, Language::German] {
            let text =
                welcome_text(&Welcome::Unclaimed { machine: machine(), code: "ABCD-EFGH-JKLM".into() }, language);
            assert!(text.contains("https://192.168.178.123:47990/") && text.contains("ABCD-EFGH-JKLM"), "{text}");
            assert!(text.contains('█') && text.contains(&machine().fingerprint.grouped()), "{text}");
            assert!(text.lines().count() < 25, "{}", text.lines().count());
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
    }

    #[test]
    fn one_that_somebody_administers_shows_no_code_and_what_is_wrong() {
        insta::assert_snapshot!(welcome_text(&Welcome::Ready { machine: machine() }, Language::English), @"
        punktfunk-1a2b is ready.
        Console: https://192.168.178.123:47990/
        Console: https://punktfunk-1a2b.local:47990/
        warning: the disk is full
        ");
    }

    #[test]
    fn one_without_network_says_so() {
        let machine = Machine { addresses: vec![], ..machine() };
        let text = welcome_text(&Welcome::Unclaimed { machine, code: "ABCD".into() }, Language::English);
        assert!(text.contains("no network cable") && text.contains("ABCD") && !text.contains('█'), "{text}");
    }
}
