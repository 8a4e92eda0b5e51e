//! Figures for monitoring, as OpenMetrics text (version 1.0.0).

use std::fmt::{Display, Write as _};

use crate::{
    host::Host,
    model::{HealthState, Session, SessionSample},
};

/// Everything that is counted now. Devices appear by session number: their names belong to their owners.
pub(crate) fn exposition(host: &dyn Host) -> String {
    let mut text = Text::default();
    let status = host.status();
    text.family("punktfunk_build", "info", "The program");
    text.sample("punktfunk_build_info", &[("version", &status.host_version)], 1);
    text.gauge("punktfunk_uptime_seconds", "Since the host is ready", status.uptime_seconds);
    let health = host.health();
    text.family("punktfunk_health", "stateset", "Whether devices can stream");
    let states = [("ok", HealthState::Ok), ("degraded", HealthState::Degraded), ("failed", HealthState::Failed)];
    for (name, state) in states {
        text.sample("punktfunk_health", &[("punktfunk_health", name)], u8::from(health.state == state));
    }
    text.gauge("punktfunk_faults", "Faults that were found", health.faults.len());
    text.gauge("punktfunk_devices", "Paired devices", status.devices);
    text.gauge("punktfunk_pending_devices", "Knocks that wait for an answer", status.pending);
    text.gauge("punktfunk_sessions", "Running sessions", status.sessions);
    text.gauge("punktfunk_sessions_limit", "The most sessions there may be", status.max_sessions);
    sessions(&mut text, host);
    text.0.push_str("# EOF\n");
    text.0
}

/// A name, its meaning, and where its value is.
type Family<T, V> = (&'static str, &'static str, fn(&T) -> V);

fn sessions(text: &mut Text, host: &dyn Host) {
    let sessions = host.sessions();
    let counters: [Family<Session, u64>; 3] = [
        ("punktfunk_session_frames_captured", "Frames the display painted", |session| session.frames_captured),
        ("punktfunk_session_frames_dropped", "Frames a newer one replaced", |session| session.frames_dropped),
        ("punktfunk_session_frames_sent", "Frames sent", |session| session.frames_sent),
    ];
    for (name, help, value) in counters {
        text.family(name, "counter", help);
        for session in &sessions {
            text.sample(&format!("{name}_total"), &[("session", &session.id.to_string())], value(session));
        }
    }
    let last: Vec<SessionSample> =
        sessions.iter().filter_map(|session| host.samples(session.id).into_iter().next_back()).collect();
    let gauges: [Family<SessionSample, f64>; 6] = [
        ("punktfunk_session_video_bits_per_second", "Video sent, without parity", |s| f64::from(s.video_kbps) * 1e3),
        ("punktfunk_session_loss_ratio", "Loss as the client last reported it", |s| f64::from(s.loss_ppm) / 1e6),
        ("punktfunk_session_round_trip_seconds", "Round trip of the control connection", |s| seconds(s.rtt_us)),
        ("punktfunk_session_capture_p95_seconds", "From painted to the encoder", |s| seconds(s.capture.p95_us)),
        ("punktfunk_session_encode_p95_seconds", "In the encoder", |s| seconds(s.encode.p95_us)),
        ("punktfunk_session_send_p95_seconds", "From encoded to sent", |s| seconds(s.send.p95_us)),
    ];
    for (name, help, value) in gauges {
        text.family(name, "gauge", help);
        for sample in &last {
            text.sample(name, &[("session", &sample.session.to_string())], value(sample));
        }
    }
}

fn seconds(microseconds: u32) -> f64 {
    f64::from(microseconds) / 1e6
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# TYPE {name} {kind}\n# HELP {name} {help}.").expect("a String takes everything");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        writeln!(self.0, "{name}{labels} {value}").expect("a String takes everything");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// As the specification demands it.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
