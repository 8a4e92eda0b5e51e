//! `/launch`, `/resume`, `/cancel` (GameStream spec section 2.10).

use std::net::IpAddr;

use punktfunk_proto::units::Fingerprint;

use super::{Caller, Host, Query, Refusal, Xml};
use crate::{AudioLayout, Launch, LaunchMode};

pub(super) fn launch(host: &dyn Host, caller: &Caller, device: Fingerprint, query: &Query) -> Xml {
    match begin(host, caller, device, query) {
        Ok(url) => Xml::ok().with("sessionUrl0", url).with("gamesession", 1),
        Err(refusal) => Xml::refusal(refusal.code, &refusal.message).with("gamesession", 0),
    }
}

pub(super) fn resume(host: &dyn Host, caller: &Caller, device: Fingerprint, query: &Query) -> Xml {
    match go_on(host, caller, device, query) {
        Ok(url) => Xml::ok().with("sessionUrl0", url).with("resume", 1),
        Err(refusal) => Xml::refusal(refusal.code, &refusal.message).with("resume", 0),
    }
}

pub(super) fn cancel(host: &dyn Host, device: Fingerprint) -> Xml {
    host.cancel(device);
    Xml::ok().with("cancel", 1)
}

fn begin(host: &dyn Host, caller: &Caller, device: Fingerprint, query: &Query) -> Result<String, Refusal> {
    let application = query.number::<u32>("appid").ok_or_else(|| missing("appid"))?;
    query.text("localAudioPlayMode").ok_or_else(|| missing("localAudioPlayMode"))?;
    if host.running(device).is_some() {
        return Err(Refusal::new(400, "an application runs already; resume it or quit it first"));
    }
    if !host.applications().iter().any(|known| known.id == application) {
        return Err(Refusal::new(404, "this host has no such application; update the list of applications"));
    }
    arm(host, caller, Launch { application, ..read(caller, device, query)? })
}

fn go_on(host: &dyn Host, caller: &Caller, device: Fingerprint, query: &Query) -> Result<String, Refusal> {
    let nothing = || Refusal::new(503, "nothing runs on the host any more; start it again");
    let application = host.running(device).ok_or_else(nothing)?;
    arm(host, caller, Launch { application, resume: true, ..read(caller, device, query)? })
}

/// What both have in common; older clients leave much of it away when they resume.
fn read(caller: &Caller, device: Fingerprint, query: &Query) -> Result<Launch, Refusal> {
    let key = query.bytes("rikey").ok_or_else(|| missing("rikey"))?;
    let key_id = query.number::<i64>("rikeyid").and_then(as_u32).ok_or_else(|| missing("rikeyid"))?;
    // Without it a session would be tied to its launch by the address alone.
    if query.number::<u32>("corever").unwrap_or(0) == 0 {
        return Err(Refusal::new(403, "this host only streams encrypted; update Moonlight"));
    }
    let gamepads = query.number::<u32>("remoteControllersBitmap").or_else(|| query.number("gcmap")).unwrap_or(0);
    Ok(Launch {
        device,
        peer: caller.peer.to_canonical(),
        key,
        key_id,
        application: 0,
        resume: false,
        mode: query.text("mode").and_then(mode),
        audio: AudioLayout::from_info(query.number("surroundAudioInfo").unwrap_or(0)),
        encrypted_rtsp: true,
        gamepads: (gamepads & 0xffff) as u16,
    })
}

fn arm(host: &dyn Host, caller: &Caller, launch: Launch) -> Result<String, Refusal> {
    let port = host.describe(caller.local).rtsp_port();
    host.launch(launch)?;
    Ok(match caller.local.to_canonical() {
        IpAddr::V4(v4) => format!("rtspenc://{v4}:{port}"),
        IpAddr::V6(v6) => format!("rtspenc://[{v6}]:{port}"),
    })
}

fn missing(key: &str) -> Refusal {
    Refusal::new(400, format!("the request has no usable {key}"))
}

/// Signed on the wire, or unsigned; two's complement here.
fn as_u32(number: i64) -> Option<u32> {
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned))
}

/// `WxHxFPS`
fn mode(text: &str) -> Option<LaunchMode> {
    let mut parts = text.splitn(3, 'x').map(str::parse);
    let mut next = || parts.next()?.ok();
    Some(LaunchMode { width: next()?, height: next()?, fps: next()? })
}

#[cfg(test)]
mod tests {
    use super::{LaunchMode, as_u32, mode};

    #[test]
    fn a_mode_is_three_numbers() {
        assert_eq!(mode("1280x720x60"), Some(LaunchMode { width: 1280, height: 720, fps: 60 }));
        for wrong in ["", "1280x720", "1280x720x60x1", "x720x60", "-1x720x60", "1280x720x6000000000"] {
            assert_eq!(mode(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_id_is_signed_or_unsigned() {
        assert_eq!(as_u32(-1), Some(u32::MAX));
        assert_eq!(as_u32(i64::from(u32::MAX)), Some(u32::MAX));
        assert_eq!((as_u32(1 << 32), as_u32(-1 << 32)), (None, None));
    }
}
