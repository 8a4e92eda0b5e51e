//! The QUIC parameters of spec section 1.2.

use std::{sync::Arc, time::Duration};

use quinn::{IdleTimeout, MtuDiscoveryConfig, TransportConfig, VarInt};

/// How long silence is borne before a connection counts as lost, unless the host is configured otherwise.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(8);
/// The bounds a configured idle timeout is held to.
const IDLE_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3_600));
const KEEP_ALIVE_MAX: Duration = Duration::from_secs(4);
/// The largest UDP payload path MTU discovery tries: an Ethernet frame without IPv4 and UDP headers.
const MTU_UPPER_BOUND: u16 = 1_472;
/// Unsent datagrams beyond this many bytes push out the oldest: late input or audio is worth nothing.
const DATAGRAM_SEND_BUFFER: usize = 4_096;
/// Clipboard transfers open streams in both directions; nothing of the protocol is unidirectional.
const BIDI_STREAMS: u32 = 100;
/// Four control messages of the largest size may be in flight on one stream.
const STREAM_WINDOW: u32 = 256 * 1_024;
/// What one peer may make this side buffer over all its streams, and what we buffer for a peer that is slow.
const CONNECTION_WINDOW: u32 = 1_024 * 1_024;

/// The transport parameters of both sides.
pub(super) fn transport(idle: Duration) -> Arc<TransportConfig> {
    let idle = idle.clamp(IDLE_RANGE.0, IDLE_RANGE.1);
    let idle_millis = VarInt::from_u32(u32::try_from(idle.as_millis()).expect("an hour of milliseconds fits"));
    let mut mtu_discovery = MtuDiscoveryConfig::default();
    mtu_discovery.upper_bound(MTU_UPPER_BOUND);

    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(IdleTimeout::from(idle_millis)))
        .keep_alive_interval(Some((idle / 2).min(KEEP_ALIVE_MAX)))
        .mtu_discovery_config(Some(mtu_discovery))
        .max_concurrent_bidi_streams(VarInt::from_u32(BIDI_STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(u64::from(CONNECTION_WINDOW))
        .datagram_send_buffer_size(DATAGRAM_SEND_BUFFER);
    Arc::new(transport)
}
