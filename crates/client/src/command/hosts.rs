//! `punktfunk hosts`

use serde_json::json;

use super::{Answer, Context};
use crate::{
    cli::{HostsArgs, HostsOrder},
    error::ClientError,
    known_hosts::{KnownHost, KnownHosts, TrustOrigin},
    text::printable,
};

pub(super) fn run(context: &Context, args: HostsArgs) -> Result<Answer, ClientError> {
    match args.order.unwrap_or(HostsOrder::List) {
        HostsOrder::List => list(context),
        HostsOrder::Forget { host } => {
            let host = KnownHosts::update(&context.state_dir, |known| {
                let host = named(known, &host)?;
                known.forget(host.fingerprint);
                Ok::<_, ClientError>(host)
            })??;
            Ok(Answer::good(format!("{} is forgotten", host.name), json!({ "forgotten": host })))
        }
        HostsOrder::Rename { host, name } => rename(context, &host, &name),
    }
}

fn list(context: &Context) -> Result<Answer, ClientError> {
    let known = KnownHosts::load(&context.state_dir)?;
    let device = context.identity()?.fingerprint();
    let mut text = format!("this device  {}\n", device.grouped());
    if known.all().is_empty() {
        text.push_str("no known hosts; pair with one: punktfunk pair HOST, or punktfunk join LINK");
    }
    known.all().iter().for_each(|host| text.push_str(&line(host)));
    Ok(Answer::good(text, json!({ "device": device.to_string(), "hosts": known.all() })))
}

fn rename(context: &Context, host: &str, name: &str) -> Result<Answer, ClientError> {
    let name = printable(name.trim(), 64);
    if name.is_empty() {
        return Err(ClientError::Usage("a host needs a name".into()));
    }
    let renamed = KnownHosts::update(&context.state_dir, |known| {
        let host = named(known, host)?;
        if known.rename(host.fingerprint, &name) {
            return Ok(KnownHost { name: name.clone(), ..host });
        }
        Err(ClientError::Usage(format!("another known host is called {name:?}; forget or rename that one first")))
    })??;
    Ok(Answer::good(format!("{host} is called {} now", renamed.name), json!({ "renamed": renamed })))
}

/// By name, fingerprint or address.
fn named(known: &KnownHosts, text: &str) -> Result<KnownHost, ClientError> {
    let at = |text: &str| known.by_address(text).or_else(|| known.by_address(&format!("{text}:9777"))).cloned();
    let found = known.by_name(text).cloned().or_else(|| at(text));
    found.ok_or_else(|| ClientError::Usage(format!("no known host {text:?}; `punktfunk hosts` lists them")))
}

fn line(host: &KnownHost) -> String {
    let trust = match host.trust {
        TrustOrigin::Pin => "paired by PIN",
        TrustOrigin::Link => "joined by link",
        TrustOrigin::FirstUse => "trusted on first use",
        TrustOrigin::Fingerprint => "trusted by fingerprint",
    };
    let address = host.addresses.first().map_or("-", String::as_str);
    let next = host.successor.map_or_else(String::new, |next| format!(", changes to {} soon", next.short()));
    format!("{:<24} {address:<24} {}  {trust}{next}\n", printable(&host.name, 64), host.fingerprint.short())
}

#[cfg(test)]
mod tests {
    use super::line;
    use crate::known_hosts::{KnownHost, TrustOrigin};
    use punktfunk_proto::units::Fingerprint;

    #[test]
    fn how_a_host_is_trusted_and_what_it_will_change_to_is_said_in_words() {
        let host = |trust, successor| KnownHost {
            name: "den".into(),
            fingerprint: Fingerprint::from_bytes([0xAA; 32]),
            addresses: vec!["10.0.0.7:9777".into()],
            trust,
            added_unix: 0,
            successor,
        };
        for (trust, words) in [
            (TrustOrigin::Pin, "paired by PIN"),
            (TrustOrigin::Link, "joined by link"),
            (TrustOrigin::FirstUse, "trusted on first use"),
            (TrustOrigin::Fingerprint, "trusted by fingerprint"),
        ] {
            assert!(line(&host(trust, None)).ends_with(&format!("10.0.0.7:9777            aaaaaaaa  {words}\n")));
        }
        let next = Some(Fingerprint::from_bytes([0xBB; 32]));
        assert!(line(&host(TrustOrigin::Link, next)).ends_with("joined by link, changes to bbbbbbbb soon\n"));
    }
}
