use std::time::Duration;

use punktfunk_proto::clock::{ClockRound, ClockSync};
use punktfunk_proto::units::{ClientTime, HostTime};
use punktfunk_proto::wire::{
    ClipFetch, ClipFetchHeader, ClipFetchStatus, ClipKind, ClipOffer, ClipReason, ClipState, ControlMessage,
    CursorShape, Grants, PhaseReport, ProbeResult, WireError, WireMode, frame,
};
use serde_json::Value;

use crate::{bytes, field, list, text, vectors};

/// The message that a vector's name and `fields` describe.
fn described(name: &str, fields: &Value) -> ControlMessage {
    let mode = || WireMode { width: field(fields, "w"), height: field(fields, "h"), hz: field(fields, "hz") };
    let host = |name| HostTime::from_nanos(field(fields, name));
    let client = |name| ClientTime::from_nanos(field(fields, name));
    let flag = |name| field::<u8>(fields, name) == 1;
    match name.split(" (").next().unwrap() {
        "Reconfigure" => ControlMessage::Reconfigure(mode()),
        "Reconfigured" => ControlMessage::Reconfigured { accepted: flag("accepted"), mode: mode() },
        "RequestKeyframe" => ControlMessage::RequestKeyframe,
        "LossReport" => ControlMessage::LossReport { ppm: field(fields, "loss_ppm") },
        "SetBitrate" => ControlMessage::SetBitrate { kbps: field(fields, "kbps") },
        "BitrateChanged" => ControlMessage::BitrateChanged { kbps: field(fields, "kbps") },
        "RfiRequest" => ControlMessage::RfiRequest { first: field(fields, "first"), last: field(fields, "last") },
        "ShardPayloadChanged" => ControlMessage::ShardPayloadChanged { bytes: field(fields, "shard_payload") },
        "ShardPayloadAck" => ControlMessage::ShardPayloadAck { bytes: field(fields, "shard_payload") },
        "PipelineGap" => ControlMessage::PipelineGap { ms: field(fields, "gap_ms") },
        "ProbeRequest" => ControlMessage::ProbeRequest {
            target_kbps: field(fields, "target_kbps"),
            duration_ms: field(fields, "duration_ms"),
        },
        "ProbeResult" => ControlMessage::ProbeResult(ProbeResult {
            bytes: field(fields, "bytes"),
            units: field(fields, "packets"),
            duration_ms: field(fields, "duration_ms"),
            wire_packets: field(fields, "wire_packets"),
            send_dropped: field(fields, "send_dropped"),
        }),
        "ClockProbe" => ControlMessage::ClockProbe { t1: client("t1") },
        "ClockEcho" => ControlMessage::ClockEcho { t1: client("t1"), t2: host("t2"), t3: host("t3") },
        "PhaseReport" => ControlMessage::PhaseReport(PhaseReport {
            next_latch: host("next_latch_host_ns"),
            period_ns: field(fields, "period"),
            uncertainty_ns: field(fields, "uncertainty"),
            arrival_lead_ns: field(fields, "lead"),
            coherence_permille: Some(field(fields, "coherence_milli")),
        }),
        "CursorShape" => {
            let hot = |at: usize| fields["hot"][at].as_u64().unwrap() as u16;
            let size = [field(fields, "w"), field(fields, "h")];
            let shape = CursorShape::new(field(fields, "serial"), size, [hot(0), hot(1)], bytes(&fields["rgba"]));
            ControlMessage::CursorShape(shape.unwrap())
        }
        "CursorRenderMode" => ControlMessage::CursorRenderMode { client_draws: flag("client_draws") },
        "AccessUpdate" => ControlMessage::AccessUpdate {
            grants: Grants::from_bits(field(fields, "grants")),
            remaining_s: field(fields, "remaining_secs"),
        },
        other => described_clipboard(other, fields),
    }
}

fn described_clipboard(name: &str, fields: &Value) -> ControlMessage {
    let flag = |name| field::<u8>(fields, name) == 1;
    match name {
        "ClipControl" => ControlMessage::ClipControl { enabled: flag("enabled"), flags: field(fields, "flags") },
        "ClipState" => ControlMessage::ClipState(ClipState {
            enabled: flag("enabled"),
            policy: field(fields, "policy"),
            reason: ClipReason::from(field::<u8>(fields, "reason")),
        }),
        "ClipOffer" => {
            let kind =
                |kind: &Value| ClipKind { mime: text(&kind[0]).to_owned(), size_hint: kind[1].as_u64().unwrap() };
            let kinds = list(&fields["kinds"]).iter().map(kind).collect();
            ControlMessage::ClipOffer(ClipOffer { seq: field(fields, "seq"), kinds })
        }
        "ClipFetch" => {
            assert_eq!(fields["file_index"], "none");
            let mime = text(&fields["mime"]).to_owned();
            ControlMessage::ClipFetch(ClipFetch { seq: field(fields, "seq"), file_index: None, mime })
        }
        "ClipFetchHdr" => {
            assert_eq!(fields["status"], 0);
            ControlMessage::ClipFetchHeader(ClipFetchHeader {
                status: ClipFetchStatus::Served,
                total: field(fields, "total"),
            })
        }
        other => panic!("no such message: {other}"),
    }
}

#[test]
fn every_control_message_reads_and_writes_as_recorded() {
    for vector in list(&vectors("control.json")["vectors"]) {
        let (name, payload) = (text(&vector["name"]), bytes(&vector["payload_hex"]));
        let expected = described(name, &vector["fields"]);
        assert_eq!(ControlMessage::decode(&payload), Ok(expected.clone()), "{name}");
        assert_eq!(expected.encode(), payload, "{name}");
        assert_eq!(frame(&payload), bytes(&vector["framed_hex"]), "{name}");
        assert!(name.starts_with(expected.name()), "{name}");
    }
}

/// Section 2.5: lengths are exact, but for two messages that exist in a shorter form.
#[test]
fn a_control_message_of_any_other_length_is_refused() {
    for vector in list(&vectors("control.json")["vectors"]) {
        let (name, payload) = (text(&vector["name"]), bytes(&vector["payload_hex"]));
        for len in 0..payload.len() {
            let short_form = match name.split(" (").next() {
                Some("ProbeResult") => len >= 21,
                Some("PhaseReport") => len == 25,
                _ => false,
            };
            assert_eq!(ControlMessage::decode(&payload[..len]).is_ok(), short_form, "{name} cut to {len}");
        }
        if !name.starts_with("ProbeResult") {
            let longer = [&payload[..], &[0]].concat();
            let refused = ControlMessage::decode(&longer).unwrap_err();
            assert!(matches!(refused, WireError::Oversized { extra: 1, .. }), "{name}: {refused}");
        }
    }
}

#[test]
fn short_forms_leave_their_last_fields_out() {
    let report = |len: usize| {
        let file = vectors("control.json");
        let vector = list(&file["vectors"]).iter().find(|vector| vector["name"] == "PhaseReport").unwrap();
        ControlMessage::decode(&bytes(&vector["payload_hex"])[..len])
    };
    let Ok(ControlMessage::PhaseReport(short)) = report(25) else { panic!("not read") };
    assert_eq!(short.coherence_permille, None);
    assert_eq!(ControlMessage::PhaseReport(short).encode().len(), 25);

    let full = ProbeResult { bytes: 1, units: 2, duration_ms: 3, wire_packets: 4, send_dropped: 5 };
    let payload = ControlMessage::ProbeResult(full).encode();
    let short = ProbeResult { wire_packets: 0, send_dropped: 0, ..full };
    assert_eq!(ControlMessage::decode(&payload[..21]), Ok(ControlMessage::ProbeResult(short)));
}

#[test]
fn clock_offsets_are_as_recorded() {
    for vector in list(&vectors("control.json")["clock_offset"]) {
        let mut sync = ClockSync::new();
        let now = std::time::Instant::now();
        for sample in list(&vector["samples_t1_t2_t3_t4"]) {
            let [t1, t2, t3, t4] = std::array::from_fn(|at| sample[at].as_u64().unwrap());
            sync.poll_probe(now, ClientTime::from_nanos(t1)).unwrap();
            assert!(sync.handle_echo(ClockRound {
                t1: ClientTime::from_nanos(t1),
                t2: HostTime::from_nanos(t2),
                t3: HostTime::from_nanos(t3),
                t4: ClientTime::from_nanos(t4),
            }));
        }
        let estimate = sync.estimate().unwrap();
        assert_eq!(estimate.offset.nanos(), field::<i64>(vector, "offset_ns"));
        assert_eq!(estimate.rtt, Duration::from_nanos(field(vector, "rtt_ns")));
    }
}
