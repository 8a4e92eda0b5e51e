//! `punktfunk probe`

use std::time::{Duration, Instant};

use punktfunk_proto::units::{Bitrate, Mode};
use serde_json::json;

use super::{
    Answer, Context,
    connect::{answer, hello, reach, watch},
};
use crate::{
    cli::{AskArgs, BitrateArg, ProbeArgs, TrustArgs},
    contact::{Dial, knock},
    error::ClientError,
    known_hosts::KnownHosts,
    script::Script,
    session::{Plan, Plays, SoundWish, SpeedTest},
    target::resolve,
    trust::{Decision, decide},
};

pub(super) async fn run(context: &Context, args: &ProbeArgs) -> Result<Answer, ClientError> {
    if args.speed { speed(context, args).await } else { reachable(context, args).await }
}

/// Connects, looks who answers, and leaves before a stream is opened: harmless to the host (spec section 1.2).
async fn reachable(context: &Context, args: &ProbeArgs) -> Result<Answer, ClientError> {
    let identity = context.identity()?;
    let known = KnownHosts::load(&context.state_dir)?;
    let spinner = context.output.spinner(format!("calling {}", args.reaching.host));
    let target = resolve(&args.reaching.host, &known, context.reach.clone()).await?;
    let dial = Dial {
        identity: &identity,
        budget: args.reaching.timeout,
        reach: context.reach.clone(),
        state_dir: &context.state_dir,
    };
    let started = Instant::now();
    let link = knock(&dial, &target).await;
    let handshake = started.elapsed();
    spinner.finish_and_clear();
    let link = link?;
    let presented =
        link.peer_fingerprint.ok_or_else(|| ClientError::HostMisbehaved("it showed no certificate".into()))?;
    let decision = decide(target.pinned, target.advert.as_ref(), presented);
    let standing = match decision {
        Decision::Connect => "known",
        Decision::OfferTofu { .. } => "new, open to everyone",
        Decision::NeedPin { .. } => "new, pair with its PIN",
        Decision::IdentityChanged { .. } => "IDENTITY CHANGED, pair again with its PIN",
    };
    let (ms, rtt) = (handshake.as_secs_f64() * 1e3, link.rtt());
    let text = format!(
        "{} answers at {} ({standing})\nfingerprint {}\nhandshake   {ms:.1} ms, round trip {:.1} ms",
        target.name,
        link.peer,
        presented.grouped(),
        rtt.as_secs_f64() * 1e3
    );
    let value = json!({
        "name": target.name,
        "address": link.peer,
        "fingerprint": presented.to_string(),
        "standing": match decision {
            Decision::Connect => "known",
            Decision::OfferTofu { .. } => "open",
            Decision::NeedPin { .. } => "needs_pin",
            Decision::IdentityChanged { .. } => "identity_changed",
        },
        "handshake_ms": ms,
        "rtt_us": u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX),
    });
    link.close(0, "");
    let failure = match decision {
        changed @ Decision::IdentityChanged { .. } => Some(ClientError::NotTrusted(changed)),
        Decision::Connect | Decision::OfferTofu { .. } | Decision::NeedPin { .. } => None,
    };
    Ok(Answer { text, value, failure })
}

/// Streams the smallest picture and lets the host send a burst.
async fn speed(context: &Context, args: &ProbeArgs) -> Result<Answer, ClientError> {
    let identity = context.identity()?;
    let trust = TrustArgs { fingerprint: None, trust_on_first_use: false, wait: Duration::from_secs(15) };
    let mode = Mode::new(640, 360, 30).map_err(|error| ClientError::Local(error.to_string()))?;
    let ask = AskArgs {
        mode,
        bitrate: BitrateArg::Kbps(0),
        codec: None,
        launch: None,
        chacha20: false,
        name: None,
        channels: 2,
    };
    let plan = Plan {
        hello: hello(&ask)?,
        patience: trust.wait,
        script: Script::default(),
        length: None,
        record: None,
        sound: SoundWish { plays: Plays::No, record: None },
        auto_bitrate: false,
        speed_test: Some(SpeedTest { rate: Bitrate::from_kbps(args.rate), duration: args.duration }),
    };
    let link = reach(context, &identity, &args.reaching, &trust).await?;
    let report = watch(context, &link, plan, &identity).await?;
    Ok(answer(&report))
}
