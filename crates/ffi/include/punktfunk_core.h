/* libpunktfunk_core: the punktfunk/1 protocol without I/O. Made from crates/ffi/src by cbindgen. */

#ifndef PUNKTFUNK_CORE_H
#define PUNKTFUNK_CORE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Counts incompatible changes of this interface.
#define PF_ABI_VERSION 1

// The most bytes one call of `pf_host_media_poll_transmit` writes.
#define PF_BATCH_BYTES 65536

// Bytes of a certificate's SHA-256.
#define PF_FINGERPRINT_BYTES 32

// Fresh random bytes that a side needs.
#define PF_ENTROPY_BYTES 64

// The longest message of the ceremony.
#define PF_PAIRING_MESSAGE_BYTES 128

// How a call ended. Negative is the caller's to deal with.
enum PfStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Done.
  PF_STATUS_OK = 0,
  // There is nothing, now.
  PF_STATUS_NOTHING = 1,
  // What the network brought could not be used; the session goes on.
  PF_STATUS_REFUSED = 2,
  // Null, a size that is too small, or a value out of its range.
  PF_STATUS_INVALID_ARGUMENT = -1,
  // An access unit larger than the session allows.
  PF_STATUS_TOO_LARGE = -2,
  // Access units come faster than datagrams are taken.
  PF_STATUS_BACKLOG = -3,
  // The buffer cannot hold what may come. Nothing was done.
  PF_STATUS_BUFFER_TOO_SMALL = -4,
  // Too few shards to restore the block.
  PF_STATUS_TOO_FEW_SHARDS = -5,
  // The peer broke the ceremony, or sent it malformed.
  PF_STATUS_PEER_MISBEHAVED = -6,
  // The PIN is wrong, or somebody is between the two sides: ask for a new one.
  PF_STATUS_WRONG_PIN = -7,
  // A bug on this side. Free the handle.
  PF_STATUS_PANICKED = -8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum PfStatus PfStatus;
#else
typedef int32_t PfStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What to tell the host, or to count.
enum PfEventKind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Send RequestKeyframe.
  PF_EVENT_KIND_REQUEST_KEYFRAME = 0,
  // Send RfiRequest for the frames `first` to `last`.
  PF_EVENT_KIND_REQUEST_RFI = 1,
  // Send LossReport with `ppm`.
  PF_EVENT_KIND_LOSS_REPORT = 2,
  // The frames `first` to `last` did not come. For statistics.
  PF_EVENT_KIND_FRAME_LOST = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum PfEventKind PfEventKind;
#else
typedef uint32_t PfEventKind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What to do next on the connection.
enum PfTransmitKind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Write `bytes` to the control stream.
  PF_TRANSMIT_KIND_STREAM = 0,
  // Send `bytes` as one QUIC datagram.
  PF_TRANSMIT_KIND_DATAGRAM = 1,
  // Finish our half of the control stream; the connection stays.
  PF_TRANSMIT_KIND_FINISH = 2,
  // Close the connection with `code` and `bytes` as its reason, once what was written before had time to arrive.
  PF_TRANSMIT_KIND_CLOSE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum PfTransmitKind PfTransmitKind;
#else
typedef uint32_t PfTransmitKind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What a control session tells. Names in brackets are the fields that are set; the others are 0.
enum PfControlEventKind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Either side: the session is over, for the last time (`code`; `flag`: 0 the peer closed, 1 we closed, 2 the connection
  // was lost, 3 the peer broke the protocol; `bytes`: words).
  PF_CONTROL_EVENT_KIND_CLOSED = 0,
  // Client: the host admitted us; answer with START (`port`, `width`, `height`, `hz`, `kbps`, `codecs`, `grants`).
  // `pf_client_control_media_options` has the rest.
  PF_CONTROL_EVENT_KIND_WELCOMED = 1,
  // Client: bind the media socket and punch (`flag`: 1 when the clocks were compared; `offset_ns`, `rtt_ns`).
  PF_CONTROL_EVENT_KIND_READY = 2,
  // Client: the clocks were compared again (`offset_ns`, `rtt_ns`).
  PF_CONTROL_EVENT_KIND_CLOCK_UPDATED = 3,
  // Client: answer to a mode change (`flag`: 1 when accepted; `width`, `height`, `hz`: in force).
  PF_CONTROL_EVENT_KIND_RECONFIGURED = 4,
  // Either side: this rate is in force (`kbps`).
  PF_CONTROL_EVENT_KIND_BITRATE_CHANGED = 5,
  // Client: a speed test ended (`sent_bytes`, `first`: units, `duration_ms`, `last`: packets, `ppm`: packets dropped at
  // the sender).
  PF_CONTROL_EVENT_KIND_PROBE_RESULT = 6,
  // Client: the host stood still (`duration_ms`).
  PF_CONTROL_EVENT_KIND_PIPELINE_GAP = 7,
  // Client: rights changed (`grants`, `duration_ms`: how long, 0 for ever).
  PF_CONTROL_EVENT_KIND_ACCESS_CHANGED = 8,
  // Client: the host will show another certificate (`bytes`: its fingerprint).
  PF_CONTROL_EVENT_KIND_SUCCESSOR_ANNOUNCED = 9,
  // Client: how long a frame took in the host (`pts_ns`, `duration_us`).
  PF_CONTROL_EVENT_KIND_HOST_TIMING = 10,
  // Host: a client wants to stream; answer with `pf_host_control_accept` or REFUSE (`width`, `height`, `hz`, `kbps`,
  // `codecs`, `video_caps`, `bytes`: its name).
  PF_CONTROL_EVENT_KIND_HELLO = 20,
  // Host: the client is ready for media (`port`).
  PF_CONTROL_EVENT_KIND_STARTED = 21,
  // Host: the client was told that it gets another mode (`width`, `height`, `hz`).
  PF_CONTROL_EVENT_KIND_MODE_CHANGED = 22,
  // Host: the next frame has to be an IDR.
  PF_CONTROL_EVENT_KIND_KEYFRAME_REQUESTED = 23,
  // Host: these frames never arrived (`first`, `last`).
  PF_CONTROL_EVENT_KIND_FRAMES_LOST = 24,
  // Host: the client lost so much (`ppm`).
  PF_CONTROL_EVENT_KIND_LOSS = 25,
  // Host: burst filler, then answer with PROBE_DONE (`kbps`, `duration_ms`).
  PF_CONTROL_EVENT_KIND_PROBE_REQUESTED = 26,
  // Host: input (`bytes`: the datagram of section 5.3, its tag included). Grants are yours to check.
  PF_CONTROL_EVENT_KIND_INPUT = 27,
  // Host: a client wants to pair; answer with BEGIN_PAIRING or REFUSE (`bytes`: its name).
  PF_CONTROL_EVENT_KIND_PAIRING_REQUESTED = 28,
  // Host: mark the PIN as spent, then answer with SEND_CHALLENGE.
  PF_CONTROL_EVENT_KIND_PAIRING_ANSWERED = 29,
  // Host: the client's message was malformed; the PIN was not used.
  PF_CONTROL_EVENT_KIND_PAIRING_MALFORMED = 30,
  // Host: the client proved the PIN; store it, then answer with PAIRING_STORED (`bytes`: its name).
  PF_CONTROL_EVENT_KIND_PAIRING_PROVEN = 31,
  // Host: the ceremony ended without proof; the PIN is spent.
  PF_CONTROL_EVENT_KIND_PAIRING_FAILED = 32,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum PfControlEventKind PfControlEventKind;
#else
typedef uint32_t PfControlEventKind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What an access unit is to the stream.
enum PfUnitKind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Decodable on its own, parameter sets included.
  PF_UNIT_KIND_IDR = 0,
  // Needs the units before it.
  PF_UNIT_KIND_DELTA = 1,
  // The first unit after a reference invalidation.
  PF_UNIT_KIND_RECOVERY_ANCHOR = 2,
  // The end of an intra-refresh wave.
  PF_UNIT_KIND_RECOVERY_POINT = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum PfUnitKind PfUnitKind;
#else
typedef uint32_t PfUnitKind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How media is sealed.
enum PfCipher
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint8_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // AES-128-GCM with the first 16 bytes of the key.
  PF_CIPHER_AES128_GCM = 0,
  // ChaCha20-Poly1305 with all 32 bytes of the key.
  PF_CIPHER_CHACHA20 = 1,
  // Not at all.
  PF_CIPHER_NONE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum PfCipher PfCipher;
#else
typedef uint8_t PfCipher;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What the owner tells a control session. Names in brackets are the fields that are read. A command that does not fit
// the session's state is ignored.
enum PfCommandKind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // Client: go on to streaming; media is expected there (`port`).
  PF_COMMAND_KIND_START = 0,
  // Client: ask for another mode (`width`, `height`, `hz`).
  PF_COMMAND_KIND_RECONFIGURE = 1,
  // Client: ask for an IDR.
  PF_COMMAND_KIND_REQUEST_KEYFRAME = 2,
  // Client: tell which frames never came (`first`, `last`).
  PF_COMMAND_KIND_FRAMES_LOST = 3,
  // Client: tell how much was lost (`ppm`).
  PF_COMMAND_KIND_REPORT_LOSS = 4,
  // Client: ask for another rate (`kbps`).
  PF_COMMAND_KIND_SET_BITRATE = 5,
  // Client: ask for a speed test (`kbps`, `duration_ms`).
  PF_COMMAND_KIND_PROBE = 6,
  // Client: send input (`bytes`: the datagram of section 5.3, its tag included).
  PF_COMMAND_KIND_INPUT = 7,
  // Client: end the session (`flag`: 1 when the user quit).
  PF_COMMAND_KIND_CLOSE = 8,
  // Host: close (`code`, `bytes`: why).
  PF_COMMAND_KIND_REFUSE = 20,
  // Host: the mode in force is another (`width`, `height`, `hz`).
  PF_COMMAND_KIND_MODE_IN_FORCE = 21,
  // Host: the rate in force is another (`kbps`).
  PF_COMMAND_KIND_BITRATE_IN_FORCE = 22,
  // Host: the stream stood still (`duration_ms`).
  PF_COMMAND_KIND_PIPELINE_GAP = 23,
  // Host: a speed test ended (`sent_bytes`, `first`: units, `duration_ms`, `last`: packets, `ppm`: packets dropped).
  PF_COMMAND_KIND_PROBE_DONE = 24,
  // Host: rights changed (`grants`, `duration_ms`: how long, 0 for ever).
  PF_COMMAND_KIND_ACCESS_CHANGED = 25,
  // Host: send this QUIC datagram (`bytes`), such as sound.
  PF_COMMAND_KIND_DATAGRAM = 26,
  // Host: go on with a ceremony (`bytes`: the PIN's digits, `entropy`: PF_ENTROPY_BYTES fresh random bytes).
  PF_COMMAND_KIND_BEGIN_PAIRING = 27,
  // Host: the PIN is marked as spent.
  PF_COMMAND_KIND_SEND_CHALLENGE = 28,
  // Host: the client was stored (`flag`: 1), or could not be (0).
  PF_COMMAND_KIND_PAIRING_STORED = 29,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum PfCommandKind PfCommandKind;
#else
typedef uint32_t PfCommandKind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// Speaks with a host: Hello to close code.
typedef struct PfClientControl PfClientControl;

// Opens datagrams, puts access units together in order, and says what to ask the host for.
typedef struct PfClientMedia PfClientMedia;

// An encoder and a decoder with their work space.
typedef struct PfFec PfFec;

// Speaks with a client: its first message to the close code.
typedef struct PfHostControl PfHostControl;

// Packetizes, adds parity, seals and paces access units.
typedef struct PfHostMedia PfHostMedia;

// One side of one attempt to pair. Messages are payloads of the control stream, without its length prefix.
typedef struct PfPairing PfPairing;

// The media parameters of a session, as Welcome carries them. Fill it with `pf_media_options_init`, then change what you
// need. Later releases may append fields: `size` says how many there are.
typedef struct PfMediaOptions {
  // `sizeof(PfMediaOptions)` as the caller was compiled.
  uint32_t size;
  // Rate that the host paces for, in kbit/s; 0 for no pacing.
  uint32_t bitrate_kbps;
  // Largest access unit, in bytes.
  uint64_t max_frame_bytes;
  // Most data shards of a block.
  uint16_t max_block_shards;
  // Bytes of an access unit per datagram; even.
  uint16_t shard_payload;
  // 0 for GF(2^8), 1 for GF(2^16).
  uint8_t fec_scheme;
  // The percentage in Welcome: limits what frames may get later.
  uint8_t fec_percent;
  // The percentage that the host starts with.
  uint8_t fec_start_percent;
  // A `PfCipher`.
  uint8_t cipher;
  // The key of the session.
  uint8_t key[32];
  // The salt of the session.
  uint8_t salt[4];
  // 0.
  uint8_t reserved[4];
} PfMediaOptions;

// A complete access unit.
typedef struct PfUnit {
  // The encoded bytes, good until the next call on the handle.
  const uint8_t *bytes;
  // How many.
  size_t length;
  // When it was captured, on the host's real-time clock.
  uint64_t pts_ns;
  // When its first datagram came, and the one that completed it, on the caller's clock.
  uint64_t first_at_ns;
  // See `first_at_ns`.
  uint64_t last_at_ns;
  // Its number.
  uint32_t frame_index;
  // The `user_flags` of the protocol; 4 marks an IDR.
  uint32_t user_flags;
  // Data shards that parity restored.
  uint32_t recovered_shards;
  // 1 when its picture is to be shown, 0 from a loss until a frame that repairs it. Decode it in either case.
  uint32_t shown;
} PfUnit;

// One event. Fields that its kind does not name are 0.
typedef struct PfMediaEvent {
  // Which.
  PfEventKind kind;
  // First lost frame.
  uint32_t first;
  // Last lost frame.
  uint32_t last;
  // Loss in parts per million.
  uint32_t ppm;
} PfMediaEvent;

// What a client asks for. Fill it with 0, then set `size`, the mode and what else you want.
typedef struct PfHelloOptions {
  // `sizeof(PfHelloOptions)` as the caller was compiled.
  uint32_t size;
  // Pixels per row.
  uint32_t width;
  // Rows.
  uint32_t height;
  // Pictures per second.
  uint32_t hz;
  // Rate in kbit/s; 0 leaves it to the host.
  uint32_t bitrate_kbps;
  // How long the host may take to admit us, in milliseconds; 0 for the protocol's 185 seconds.
  uint32_t patience_ms;
  // `video_caps`: 8 wants host timing, 16 understands filler, 32 and 128 streamed units, 64 ChaCha20.
  uint8_t video_caps;
  // `client_caps`.
  uint8_t client_caps;
  // Codecs that are decoded: 1 H.264, 2 HEVC, 4 AV1. 0 means HEVC.
  uint8_t codecs;
  // One of them that is preferred, or 0.
  uint8_t preferred_codec;
  // Largest shard that can change mid-stream; 0 for never.
  uint16_t max_shard_payload;
  // 0.
  uint16_t reserved;
  // The device's name: UTF-8, at most 64 bytes.
  const uint8_t *name;
  // How many bytes; 0 for none.
  size_t name_length;
} PfHelloOptions;

// One thing to do on the connection.
typedef struct PfTransmit {
  // Which.
  PfTransmitKind kind;
  // The application code of a close.
  uint32_t code;
  // The bytes, good until the next call on the handle.
  const uint8_t *bytes;
  // How many.
  size_t length;
} PfTransmit;

// One event. Fields that its kind does not name are 0.
typedef struct PfControlEvent {
  // Which.
  PfControlEventKind kind;
  // See the kind.
  uint32_t flag;
  // Application error code of a close.
  uint32_t code;
  // Pixels per row.
  uint32_t width;
  // Rows.
  uint32_t height;
  // Pictures per second.
  uint32_t hz;
  // A rate in kbit/s.
  uint32_t kbps;
  // UDP port for media.
  uint32_t port;
  // First of a range of frames, or a count.
  uint32_t first;
  // Last of a range of frames, or a count.
  uint32_t last;
  // Loss in parts per million, or a count.
  uint32_t ppm;
  // A time in milliseconds.
  uint32_t duration_ms;
  // A time in microseconds.
  uint32_t duration_us;
  // Codec bits: 1 H.264, 2 HEVC, 4 AV1.
  uint32_t codecs;
  // `video_caps` of Hello.
  uint32_t video_caps;
  // Grant bits.
  uint32_t grants;
  // Bytes of a speed test.
  uint64_t sent_bytes;
  // The host's clock minus ours.
  int64_t offset_ns;
  // Round trip.
  uint64_t rtt_ns;
  // Capture time of a frame.
  uint64_t pts_ns;
  // Text or bytes, good until the next call on the handle.
  const uint8_t *bytes;
  // How many.
  size_t length;
} PfControlEvent;

// One command. Set `size` and `kind` and what the kind names; everything else 0.
typedef struct PfControlCommand {
  // `sizeof(PfControlCommand)` as the caller was compiled.
  uint32_t size;
  // A `PfCommandKind`.
  uint32_t kind;
  // See the kind.
  uint32_t flag;
  // Application error code of a close.
  uint32_t code;
  // Pixels per row.
  uint32_t width;
  // Rows.
  uint32_t height;
  // Pictures per second.
  uint32_t hz;
  // A rate in kbit/s.
  uint32_t kbps;
  // UDP port for media.
  uint32_t port;
  // First of a range of frames, or a count.
  uint32_t first;
  // Last of a range of frames, or a count.
  uint32_t last;
  // Loss in parts per million, or a count.
  uint32_t ppm;
  // A time in milliseconds.
  uint32_t duration_ms;
  // Grant bits.
  uint32_t grants;
  // Bytes of a speed test.
  uint64_t sent_bytes;
  // Text or bytes.
  const uint8_t *bytes;
  // How many.
  size_t length;
  // `PF_ENTROPY_BYTES` random bytes.
  const uint8_t *entropy;
} PfControlCommand;

// What a client that is admitted gets. Fill it with 0, then set `size` and everything else.
typedef struct PfAdmission {
  // `sizeof(PfAdmission)` as the caller was compiled.
  uint32_t size;
  // Pixels per row.
  uint32_t width;
  // Rows.
  uint32_t height;
  // Pictures per second.
  uint32_t hz;
  // The rate to begin with, in kbit/s.
  uint32_t bitrate_kbps;
  // The most a client may ask for; 0 for `bitrate_kbps`.
  uint32_t max_bitrate_kbps;
  // Grant bits.
  uint32_t grants;
  // Seconds until access ends; 0 for never.
  uint32_t access_expires_s;
  // The host's UDP port for media.
  uint16_t media_port;
  // The codec: 1 H.264, 2 HEVC, 4 AV1.
  uint8_t codec;
  // 2, 6 or 8.
  uint8_t audio_channels;
  // 0.
  uint32_t reserved;
  // The media session's options, its key among them: fresh random bytes for every session. `max_frame_bytes` and
  // `fec_start_percent` stay here, they are not told.
  struct PfMediaOptions media;
} PfAdmission;

// Datagrams that lie one behind the other, all of the same length.
typedef struct PfBatch {
  // Bytes per datagram.
  size_t segment;
  // How many datagrams.
  size_t datagrams;
} PfBatch;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// [`PF_ABI_VERSION`] of the library that was loaded: compare it with that of the header.
uint32_t pf_abi_version(void);

// The version that Hello and Welcome carry.
uint32_t pf_protocol_version(void);

// The library's release as text, such as `0.1.0`. Never freed.
const char *pf_version(void);

// Makes a session that has received nothing.
//
// # Safety
// `options` points to as many bytes as its `size` says; `out` to a pointer.
PfStatus pf_client_media_new(const struct PfMediaOptions *options, struct PfClientMedia **out);

// Ends a session.
//
// # Safety
// `client` is null or a handle that is not used any more.
void pf_client_media_free(struct PfClientMedia *client);

// Takes in a datagram, opening it in place. `PfStatus::Refused` when it could not be used; the session goes on.
//
// # Safety
// `client` is a handle, `datagram` points to `length` bytes.
PfStatus pf_client_media_handle_datagram(struct PfClientMedia *client,
                                         uint64_t now_ns,
                                         uint8_t *datagram,
                                         size_t length);

// Call it when `pf_client_media_poll_timeout` has come, and once at the start.
//
// # Safety
// `client` is a handle.
PfStatus pf_client_media_handle_timeout(struct PfClientMedia *client, uint64_t now_ns);

// When `pf_client_media_handle_timeout` is next due.
//
// # Safety
// `client` is a handle, `at_ns` points to a number.
PfStatus pf_client_media_poll_timeout(struct PfClientMedia *client, uint64_t *at_ns);

// The next complete unit, in order. `PfStatus::Nothing` when there is none.
//
// # Safety
// `client` is a handle, `unit` points to a unit.
PfStatus pf_client_media_poll_unit(struct PfClientMedia *client, struct PfUnit *unit);

// The next event. `PfStatus::Nothing` when there is none.
//
// # Safety
// `client` is a handle, `event` points to an event.
PfStatus pf_client_media_poll_event(struct PfClientMedia *client, struct PfMediaEvent *event);

// The decoder took three units and returned no picture: asks for a keyframe, at most twice a second.
//
// # Safety
// `client` is a handle.
PfStatus pf_client_media_decoder_stalled(struct PfClientMedia *client, uint64_t now_ns);

// Begins a session on a connection that is open: its first transmit is Hello.
//
// # Safety
// `options` points to as many bytes as its `size` says, its name to as many as its length; `out` to a pointer.
PfStatus pf_client_control_new(const struct PfHelloOptions *options, uint64_t now_ns, struct PfClientControl **out);

// What the media session needs of the host's Welcome. `PfStatus::Nothing` before there is one.
//
// # Safety
// `control` is a handle, `options` points to media options.
PfStatus pf_client_control_media_options(struct PfClientControl *control, struct PfMediaOptions *options);

// Ends a session; the connection is yours to close.
//
// # Safety
// `control` is null or a handle that is not used any more.
void pf_client_control_free(struct PfClientControl *control);

// Bytes arrived on the control stream, in pieces of any size. `clock_ns` is the real-time clock now.
//
// # Safety
// `control` is a handle, `bytes` points to `length` bytes.
PfStatus pf_client_control_handle_stream(struct PfClientControl *control,
                                         uint64_t now_ns,
                                         uint64_t clock_ns,
                                         const uint8_t *bytes,
                                         size_t length);

// The peer finished or reset its half of the control stream.
//
// # Safety
// `control` is a handle.
PfStatus pf_client_control_handle_stream_end(struct PfClientControl *control, uint64_t now_ns);

// A QUIC datagram arrived.
//
// # Safety
// `control` is a handle, `bytes` points to `length` bytes.
PfStatus pf_client_control_handle_datagram(struct PfClientControl *control,
                                           uint64_t now_ns,
                                           const uint8_t *bytes,
                                           size_t length);

// The connection is gone: the peer's application code and reason, or a negative `code` when it was lost.
//
// # Safety
// `control` is a handle, `reason` points to `length` bytes.
PfStatus pf_client_control_handle_closed(struct PfClientControl *control,
                                         uint64_t now_ns,
                                         int64_t code,
                                         const uint8_t *reason,
                                         size_t length);

// Call it when `pf_client_control_poll_timeout` has come.
//
// # Safety
// `control` is a handle.
PfStatus pf_client_control_handle_timeout(struct PfClientControl *control, uint64_t now_ns);

// When `pf_client_control_handle_timeout` is next due. `PfStatus::Nothing` when never.
//
// # Safety
// `control` is a handle, `at_ns` points to a number.
PfStatus pf_client_control_poll_timeout(struct PfClientControl *control, uint64_t *at_ns);

// The next thing to do on the connection. Take them all after every other call. `clock_ns` is the real-time clock now.
//
// # Safety
// `control` is a handle, `transmit` points to one.
PfStatus pf_client_control_poll_transmit(struct PfClientControl *control,
                                         uint64_t now_ns,
                                         uint64_t clock_ns,
                                         struct PfTransmit *transmit);

// The next thing the session tells. Take them all after the transmits.
//
// # Safety
// `control` is a handle, `event` points to one.
PfStatus pf_client_control_poll_event(struct PfClientControl *control, struct PfControlEvent *event);

// Tells the session something.
//
// # Safety
// `control` is a handle; `command` points to as many bytes as its `size` says, and its pointers to what they name.
PfStatus pf_client_control_command(struct PfClientControl *control,
                                   uint64_t now_ns,
                                   const struct PfControlCommand *command);

// Begins a session on a connection that a client opened. `client_fp` is the fingerprint of the certificate it showed, or
// null; `host_fp` that of ours.
//
// # Safety
// The fingerprints point to `PF_FINGERPRINT_BYTES`, `out` to a pointer.
PfStatus pf_host_control_new(const uint8_t *client_fp,
                             const uint8_t *host_fp,
                             uint64_t now_ns,
                             struct PfHostControl **out);

// Admits the client that said Hello.
//
// # Safety
// `control` is a handle, `admission` points to as many bytes as its `size` says.
PfStatus pf_host_control_accept(struct PfHostControl *control, uint64_t now_ns, const struct PfAdmission *admission);

// Ends a session; the connection is yours to close.
//
// # Safety
// `control` is null or a handle that is not used any more.
void pf_host_control_free(struct PfHostControl *control);

// Bytes arrived on the control stream, in pieces of any size. `clock_ns` is the real-time clock now.
//
// # Safety
// `control` is a handle, `bytes` points to `length` bytes.
PfStatus pf_host_control_handle_stream(struct PfHostControl *control,
                                       uint64_t now_ns,
                                       uint64_t clock_ns,
                                       const uint8_t *bytes,
                                       size_t length);

// The peer finished or reset its half of the control stream.
//
// # Safety
// `control` is a handle.
PfStatus pf_host_control_handle_stream_end(struct PfHostControl *control, uint64_t now_ns);

// A QUIC datagram arrived.
//
// # Safety
// `control` is a handle, `bytes` points to `length` bytes.
PfStatus pf_host_control_handle_datagram(struct PfHostControl *control,
                                         uint64_t now_ns,
                                         const uint8_t *bytes,
                                         size_t length);

// The connection is gone: the peer's application code and reason, or a negative `code` when it was lost.
//
// # Safety
// `control` is a handle, `reason` points to `length` bytes.
PfStatus pf_host_control_handle_closed(struct PfHostControl *control,
                                       uint64_t now_ns,
                                       int64_t code,
                                       const uint8_t *reason,
                                       size_t length);

// Call it when `pf_host_control_poll_timeout` has come.
//
// # Safety
// `control` is a handle.
PfStatus pf_host_control_handle_timeout(struct PfHostControl *control, uint64_t now_ns);

// When `pf_host_control_handle_timeout` is next due. `PfStatus::Nothing` when never.
//
// # Safety
// `control` is a handle, `at_ns` points to a number.
PfStatus pf_host_control_poll_timeout(struct PfHostControl *control, uint64_t *at_ns);

// The next thing to do on the connection. Take them all after every other call. `clock_ns` is the real-time clock now.
//
// # Safety
// `control` is a handle, `transmit` points to one.
PfStatus pf_host_control_poll_transmit(struct PfHostControl *control,
                                       uint64_t now_ns,
                                       uint64_t clock_ns,
                                       struct PfTransmit *transmit);

// The next thing the session tells. Take them all after the transmits.
//
// # Safety
// `control` is a handle, `event` points to one.
PfStatus pf_host_control_poll_event(struct PfHostControl *control, struct PfControlEvent *event);

// Tells the session something.
//
// # Safety
// `control` is a handle; `command` points to as many bytes as its `size` says, and its pointers to what they name.
PfStatus pf_host_control_command(struct PfHostControl *control,
                                 uint64_t now_ns,
                                 const struct PfControlCommand *command);

// Recovery shards for a block of `data` shards at `percent`.
size_t pf_fec_recovery_count(size_t data, uint8_t percent);

// Makes a coder: scheme 0 is GF(2^8), 1 is GF(2^16).
//
// # Safety
// `out` points to a pointer.
PfStatus pf_fec_new(uint8_t scheme, struct PfFec **out);

// Frees a coder.
//
// # Safety
// `fec` is null or a handle that is not used any more.
void pf_fec_free(struct PfFec *fec);

// Computes `recovery` shards of `shard_bytes` each from `data` ones, which lie one behind the other; so will the results.
//
// # Safety
// `fec` is a handle, `shards` points to `data * shard_bytes` bytes, `parity` to `recovery * shard_bytes`.
PfStatus pf_fec_encode(struct PfFec *fec,
                       size_t data,
                       size_t recovery,
                       size_t shard_bytes,
                       const uint8_t *shards,
                       uint8_t *parity);

// Fills in those of the `data` shards whose byte in `present` is 0, from the others and from the recovery shards whose
// byte is not. `present` has a byte for each data shard, then one for each recovery shard.
//
// # Safety
// As `pf_fec_encode`; `present` points to `data + recovery` bytes.
PfStatus pf_fec_restore(struct PfFec *fec,
                        size_t data,
                        size_t recovery,
                        size_t shard_bytes,
                        uint8_t *shards,
                        const uint8_t *parity,
                        const uint8_t *present);

// Makes a session that has sent nothing.
//
// # Safety
// `options` points to as many bytes as its `size` says; `out` to a pointer.
PfStatus pf_host_media_new(const struct PfMediaOptions *options, struct PfHostMedia **out);

// Ends a session.
//
// # Safety
// `host` is null or a handle that is not used any more.
void pf_host_media_free(struct PfHostMedia *host);

// Takes an access unit to send, copying it. `pts_ns` is its capture time on the host's real-time clock, `kind` a
// `PfUnitKind`. `frame_index` becomes its number if it is not null.
//
// # Safety
// `host` is a handle, `bytes` points to `length` bytes.
PfStatus pf_host_media_submit(struct PfHostMedia *host,
                              uint64_t now_ns,
                              uint64_t pts_ns,
                              uint32_t kind,
                              const uint8_t *bytes,
                              size_t length,
                              uint32_t *frame_index);

// Begins a picture that is sent while it is still being encoded (section 4.6). `video_caps` is what the client's Hello
// said: without 32 or 128 in it the call fails, and pictures have to be submitted whole.
//
// # Safety
// `host` is a handle; `frame_index` is null or points to a number.
PfStatus pf_host_media_begin_unit(struct PfHostMedia *host,
                                  uint64_t now_ns,
                                  uint64_t pts_ns,
                                  uint32_t kind,
                                  uint32_t video_caps,
                                  uint32_t *frame_index);

// Takes the next bytes of the picture that was begun, copying them. Send what `pf_host_media_poll_transmit` has then.
//
// # Safety
// `host` is a handle, `bytes` points to `length` bytes.
PfStatus pf_host_media_push_slice(struct PfHostMedia *host, const uint8_t *bytes, size_t length);

// The picture that was begun is complete.
//
// # Safety
// `host` is a handle.
PfStatus pf_host_media_finish_unit(struct PfHostMedia *host, uint64_t now_ns);

// Writes the next datagrams that are due to `out`, which has room for at least `PF_BATCH_BYTES`. `PfStatus::Nothing` when
// none are.
//
// # Safety
// `host` is a handle, `out` points to `capacity` bytes, `batch` to a batch.
PfStatus pf_host_media_poll_transmit(struct PfHostMedia *host,
                                     uint64_t now_ns,
                                     uint8_t *out,
                                     size_t capacity,
                                     struct PfBatch *batch);

// When `pf_host_media_poll_transmit` next has something. `PfStatus::Nothing` when only a new unit can change that.
//
// # Safety
// `host` is a handle, `at_ns` points to a number.
PfStatus pf_host_media_poll_timeout(struct PfHostMedia *host, uint64_t *at_ns);

// The client's LossReport came: parity follows it.
//
// # Safety
// `host` is a handle.
PfStatus pf_host_media_on_loss_report(struct PfHostMedia *host, uint32_t ppm);

// RfiRequest or RequestKeyframe came: parity was not enough.
//
// # Safety
// `host` is a handle.
PfStatus pf_host_media_on_recovery_request(struct PfHostMedia *host);

// Sets the rate that the following frames are paced for, in kbit/s; 0 for no pacing.
//
// # Safety
// `host` is a handle.
PfStatus pf_host_media_set_bitrate(struct PfHostMedia *host, uint32_t kbps);

// Sets the FEC percentage of the following frames, 0 to 90; reports move it on from there.
//
// # Safety
// `host` is a handle.
PfStatus pf_host_media_set_fec_percent(struct PfHostMedia *host, uint8_t percent);

// Fills the first `size` bytes of `options` with what suits a stream over Ethernet, without a key.
//
// # Safety
// `options` is null or has room for `size` bytes.
PfStatus pf_media_options_init(struct PfMediaOptions *options, size_t size);

// Begins the client's side and writes its first message to `message`, which has room for `PF_PAIRING_MESSAGE_BYTES`;
// `length` becomes its length. `name` may be null. `host_fp` is the fingerprint of the certificate seen on this
// connection; `entropy` comes fresh from the system's generator.
//
// # Safety
// Strings end with a zero; `client_fp` and `host_fp` point to `PF_FINGERPRINT_BYTES`, `entropy` to `PF_ENTROPY_BYTES`;
// `out` points to a pointer, `length` to a number.
PfStatus pf_pairing_client(const char *name,
                           const char *pin,
                           const uint8_t *client_fp,
                           const uint8_t *host_fp,
                           const uint8_t *entropy,
                           uint8_t *message,
                           size_t *length,
                           struct PfPairing **out);

// Begins the host's side. The PIN is spent once `pf_pairing_handle` has written a challenge.
//
// # Safety
// As `pf_pairing_client`.
PfStatus pf_pairing_host(const char *pin,
                         const uint8_t *client_fp,
                         const uint8_t *host_fp,
                         const uint8_t *entropy,
                         struct PfPairing **out);

// Takes the peer's message in. `PfStatus::Ok` when `message` now holds an answer to send, `PfStatus::Nothing` when there is
// none; then `pf_pairing_is_paired` tells the outcome. On `PfStatus::WrongPin` the client closes without a word.
//
// # Safety
// `pairing` is a handle, `received` points to `received_length` bytes, `message` to `PF_PAIRING_MESSAGE_BYTES`, `length` to
// a number.
PfStatus pf_pairing_handle(struct PfPairing *pairing,
                           const uint8_t *received,
                           size_t received_length,
                           uint8_t *message,
                           size_t *length);

// 1 once both sides have proved that they know the PIN.
//
// # Safety
// `pairing` is null or a handle.
uint32_t pf_pairing_is_paired(const struct PfPairing *pairing);

// Frees a ceremony.
//
// # Safety
// `pairing` is null or a handle that is not used any more.
void pf_pairing_free(struct PfPairing *pairing);

// What went wrong in the last call on this thread that did not return [`PfStatus::Ok`] or [`PfStatus::Nothing`]. Never
// null; good until the next such call.
const char *pf_last_error(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PUNKTFUNK_CORE_H */
