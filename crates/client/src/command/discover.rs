//! `punktfunk discover`

use punktfunk_proto::wire::txt::PairingPolicyAdvert;
use serde_json::{Value, json};

use super::{Answer, Context};
use crate::{
    cli::DiscoverArgs,
    discover::{FoundHost, discover},
    error::ClientError,
    known_hosts::KnownHosts,
};

pub(super) async fn run(context: &Context, args: &DiscoverArgs) -> Result<Answer, ClientError> {
    let Some(reach) = context.reach.clone() else {
        return Err(ClientError::Usage("discover needs mDNS; leave --mdns off away".into()));
    };
    let known = KnownHosts::load(&context.state_dir)?;
    let spinner = context.output.spinner("looking for hosts");
    let hosts = discover(reach, args.timeout, |hosts| {
        spinner.set_message(format!("looking for hosts, {} found", hosts.len()));
        false
    })
    .await;
    spinner.finish_and_clear();
    let hosts = hosts?;
    let text = match hosts.as_slice() {
        [] => "no hosts found on the local network".to_owned(),
        hosts => hosts.iter().map(|host| line(host, &known)).collect::<Vec<_>>().join("\n"),
    };
    let values: Vec<Value> = hosts.iter().map(|host| value(host, &known)).collect();
    Ok(Answer::good(text, json!({ "hosts": values })))
}

fn is_known(host: &FoundHost, known: &KnownHosts) -> bool {
    host.advert.fingerprint.is_some_and(|fingerprint| known.by_fingerprint(fingerprint).is_some())
}

fn line(host: &FoundHost, known: &KnownHosts) -> String {
    let standing = match (is_known(host, known), host.advert.pairing) {
        (true, _) => "known",
        (false, PairingPolicyAdvert::Required) => "pair with its PIN",
        (false, PairingPolicyAdvert::Optional) => "open to everyone",
    };
    let fingerprint = host.advert.fingerprint.map_or_else(|| "-".repeat(8), |fingerprint| fingerprint.short());
    let address = host.addresses.first().map(ToString::to_string).unwrap_or_default();
    format!("{:<24} {address:<24} {fingerprint}  {standing}", host.name)
}

fn value(host: &FoundHost, known: &KnownHosts) -> Value {
    let advert = &host.advert;
    json!({
        "name": host.name,
        "addresses": host.addresses,
        "fingerprint": advert.fingerprint.map(|fingerprint| fingerprint.to_string()),
        "pairing": match advert.pairing {
            PairingPolicyAdvert::Required => "required",
            PairingPolicyAdvert::Optional => "optional",
        },
        "id": advert.id,
        "os": advert.os,
        "known": is_known(host, known),
    })
}
