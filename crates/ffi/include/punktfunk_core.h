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

// Opens datagrams, puts access units together in order, and says what to ask the host for.
typedef struct PfClientMedia PfClientMedia;

// An encoder and a decoder with their work space.
typedef struct PfFec PfFec;

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
