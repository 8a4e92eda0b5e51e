/* Drives libpunktfunk_core as a C program does: ten thousand frames through loss, a pairing ceremony, the erasure code and
 * misuse. Exits with 0 when everything held. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "punktfunk_core.h"

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            fprintf(stderr, "%s:%d: %s; %s\n", __FILE__, __LINE__, #condition, pf_last_error()); \
            exit(1);                                                                              \
        }                                                                                         \
    } while (0)

static uint64_t random_state = 0x9E3779B97F4A7C15u;

static uint32_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

static PfMediaOptions options(uint8_t cipher) {
    PfMediaOptions options;
    CHECK(pf_media_options_init(&options, sizeof options) == PF_STATUS_OK);
    options.cipher = cipher;
    options.bitrate_kbps = 0;
    memset(options.key, 7, sizeof options.key);
    return options;
}

struct stream {
    PfHostMedia *host;
    PfClientMedia *client;
    uint8_t *datagrams;
    uint8_t *frame;
    size_t delivered;
    size_t requests;
};

static void drain(struct stream *stream, uint64_t now) {
    PfUnit unit;
    PfMediaEvent event;
    while (pf_client_media_poll_unit(stream->client, &unit) == PF_STATUS_OK) {
        CHECK(unit.length > 0 && unit.bytes[0] == (uint8_t)unit.frame_index);
        CHECK(unit.bytes[unit.length - 1] == (uint8_t)unit.frame_index);
        stream->delivered++;
    }
    while (pf_client_media_poll_event(stream->client, &event) == PF_STATUS_OK) {
        if (event.kind == PF_EVENT_KIND_LOSS_REPORT) {
            CHECK(pf_host_media_on_loss_report(stream->host, event.ppm) == PF_STATUS_OK);
        } else if (event.kind != PF_EVENT_KIND_FRAME_LOST) {
            CHECK(pf_host_media_on_recovery_request(stream->host) == PF_STATUS_OK);
            stream->requests++;
        }
    }
    CHECK(pf_client_media_handle_timeout(stream->client, now) == PF_STATUS_OK);
}

static void send_frame(struct stream *stream, uint32_t number, uint64_t now) {
    size_t length = 1 + next_random() % 30000;
    uint32_t index = 0;
    PfBatch batch;
    memset(stream->frame, (int)(number & 0xFF), length);
    CHECK(pf_host_media_submit(stream->host, now, now, number == 0 ? PF_UNIT_KIND_IDR : PF_UNIT_KIND_DELTA, stream->frame,
                               length, &index) == PF_STATUS_OK);
    CHECK(index == number);
    while (pf_host_media_poll_transmit(stream->host, now, stream->datagrams, PF_BATCH_BYTES, &batch) == PF_STATUS_OK) {
        for (size_t i = 0; i < batch.datagrams; i++) {
            if (next_random() % 100 < 2) continue;
            PfStatus status =
                pf_client_media_handle_datagram(stream->client, now, stream->datagrams + i * batch.segment, batch.segment);
            CHECK(status == PF_STATUS_OK || status == PF_STATUS_REFUSED);
        }
    }
}

static void ten_thousand_frames_through_loss(uint8_t cipher, uint32_t frames) {
    PfMediaOptions settings = options(cipher);
    struct stream stream = {0};
    uint64_t now = 0;
    stream.datagrams = malloc(PF_BATCH_BYTES);
    stream.frame = malloc(30001);
    CHECK(pf_host_media_new(&settings, &stream.host) == PF_STATUS_OK);
    CHECK(pf_client_media_new(&settings, &stream.client) == PF_STATUS_OK);
    for (uint32_t number = 0; number < frames; number++, now += 8000000) {
        send_frame(&stream, number, now);
        drain(&stream, now);
    }
    CHECK(stream.delivered * 100 >= (size_t)frames * 97);
    printf("cipher %u: %u frames, %zu delivered, %zu requests\n", cipher, frames, stream.delivered, stream.requests);
    pf_host_media_free(stream.host);
    pf_client_media_free(stream.client);
    free(stream.datagrams);
    free(stream.frame);
}

/* Returns what the client's last step was. */
static PfStatus ceremony(const char *client_pin) {
    uint8_t client_fp[PF_FINGERPRINT_BYTES], host_fp[PF_FINGERPRINT_BYTES];
    uint8_t client_entropy[PF_ENTROPY_BYTES], host_entropy[PF_ENTROPY_BYTES];
    uint8_t there[PF_PAIRING_MESSAGE_BYTES], back[PF_PAIRING_MESSAGE_BYTES];
    size_t there_length = 0, back_length = 0;
    PfPairing *client = NULL, *host = NULL;
    memset(client_fp, 1, sizeof client_fp);
    memset(host_fp, 2, sizeof host_fp);
    for (size_t i = 0; i < PF_ENTROPY_BYTES; i++) {
        client_entropy[i] = (uint8_t)next_random();
        host_entropy[i] = (uint8_t)next_random();
    }
    CHECK(pf_pairing_host("4321", client_fp, host_fp, host_entropy, &host) == PF_STATUS_OK);
    CHECK(pf_pairing_client("a device", client_pin, client_fp, host_fp, client_entropy, there, &there_length, &client) ==
          PF_STATUS_OK);
    CHECK(pf_pairing_handle(host, there, there_length, back, &back_length) == PF_STATUS_OK);
    PfStatus status = pf_pairing_handle(client, back, back_length, there, &there_length);
    if (status == PF_STATUS_OK) {
        CHECK(pf_pairing_handle(host, there, there_length, back, &back_length) == PF_STATUS_OK);
        status = pf_pairing_handle(client, back, back_length, there, &there_length);
    }
    CHECK(pf_pairing_is_paired(host) == pf_pairing_is_paired(client));
    CHECK((status == PF_STATUS_NOTHING) == (pf_pairing_is_paired(client) == 1));
    pf_pairing_free(client);
    pf_pairing_free(host);
    return status;
}

static void erasure_code(uint8_t scheme) {
    enum { DATA = 20, RECOVERY = 5, BYTES = 1408 };
    uint8_t *shards = malloc(DATA * BYTES), *kept = malloc(DATA * BYTES), *parity = malloc(RECOVERY * BYTES);
    uint8_t present[DATA + RECOVERY];
    PfFec *fec = NULL;
    for (size_t i = 0; i < DATA * BYTES; i++) shards[i] = (uint8_t)next_random();
    memcpy(kept, shards, DATA * BYTES);
    memset(present, 1, sizeof present);
    CHECK(pf_fec_recovery_count(DATA, 25) == RECOVERY);
    CHECK(pf_fec_new(scheme, &fec) == PF_STATUS_OK);
    CHECK(pf_fec_encode(fec, DATA, RECOVERY, BYTES, shards, parity) == PF_STATUS_OK);
    for (size_t lost = 0; lost < RECOVERY; lost++) {
        present[lost * 4] = 0;
        memset(shards + lost * 4 * BYTES, 0xEE, BYTES);
    }
    CHECK(pf_fec_restore(fec, DATA, RECOVERY, BYTES, shards, parity, present) == PF_STATUS_OK);
    CHECK(memcmp(shards, kept, DATA * BYTES) == 0);
    present[1] = 0;
    CHECK(pf_fec_restore(fec, DATA, RECOVERY, BYTES, shards, parity, present) == PF_STATUS_TOO_FEW_SHARDS);
    CHECK(pf_fec_encode(fec, 0, RECOVERY, BYTES, shards, parity) == PF_STATUS_INVALID_ARGUMENT);
    pf_fec_free(fec);
    free(shards);
    free(kept);
    free(parity);
}

static void misuse(void) {
    PfMediaOptions settings = options(PF_CIPHER_AES128_GCM);
    PfHostMedia *host = NULL;
    PfClientMedia *client = NULL;
    PfBatch batch;
    PfUnit unit;
    uint8_t small[16] = {0};
    uint64_t at = 0;
    CHECK(pf_host_media_new(NULL, &host) == PF_STATUS_INVALID_ARGUMENT);
    CHECK(pf_host_media_new(&settings, NULL) == PF_STATUS_INVALID_ARGUMENT);
    settings.size = 8;
    CHECK(pf_host_media_new(&settings, &host) == PF_STATUS_INVALID_ARGUMENT && host == NULL);
    settings.size = sizeof settings;
    settings.shard_payload = 1407;
    CHECK(pf_client_media_new(&settings, &client) == PF_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(pf_last_error(), "1407") != NULL);
    settings.shard_payload = 1408;
    memset(settings.key, 0, sizeof settings.key);
    CHECK(pf_client_media_new(&settings, &client) == PF_STATUS_INVALID_ARGUMENT);
    settings = options(PF_CIPHER_AES128_GCM);
    CHECK(pf_host_media_new(&settings, &host) == PF_STATUS_OK);
    CHECK(pf_client_media_new(&settings, &client) == PF_STATUS_OK);
    CHECK(pf_host_media_poll_transmit(host, 0, small, sizeof small, &batch) == PF_STATUS_BUFFER_TOO_SMALL);
    CHECK(pf_host_media_poll_timeout(host, &at) == PF_STATUS_NOTHING);
    CHECK(pf_host_media_submit(host, 0, 0, 99, small, sizeof small, NULL) == PF_STATUS_INVALID_ARGUMENT);
    CHECK(pf_host_media_submit(host, 0, 0, PF_UNIT_KIND_IDR, NULL, 5, NULL) == PF_STATUS_INVALID_ARGUMENT);
    for (int i = 0; i < 8; i++) {
        CHECK(pf_host_media_submit(host, 0, 0, PF_UNIT_KIND_IDR, small, sizeof small, NULL) == PF_STATUS_OK);
    }
    CHECK(pf_host_media_submit(host, 0, 0, PF_UNIT_KIND_IDR, small, sizeof small, NULL) == PF_STATUS_BACKLOG);
    CHECK(pf_client_media_handle_datagram(client, 0, small, sizeof small) == PF_STATUS_REFUSED);
    CHECK(pf_client_media_handle_datagram(client, UINT64_MAX, NULL, 0) == PF_STATUS_REFUSED);
    CHECK(pf_client_media_poll_unit(client, &unit) == PF_STATUS_NOTHING);
    CHECK(pf_client_media_poll_unit(NULL, &unit) == PF_STATUS_INVALID_ARGUMENT);
    pf_host_media_free(host);
    pf_client_media_free(client);
    pf_host_media_free(NULL);
    pf_pairing_free(NULL);
    pf_fec_free(NULL);
}

int main(int argc, char **argv) {
    uint32_t frames = argc > 1 ? (uint32_t)atoi(argv[1]) : 10000;
    CHECK(pf_abi_version() == PF_ABI_VERSION && pf_protocol_version() == 2 && pf_version()[0] != 0);
    misuse();
    erasure_code(0);
    erasure_code(1);
    CHECK(ceremony("4321") == PF_STATUS_NOTHING);
    CHECK(ceremony("1234") == PF_STATUS_WRONG_PIN);
    ten_thousand_frames_through_loss(PF_CIPHER_AES128_GCM, frames);
    ten_thousand_frames_through_loss(PF_CIPHER_CHACHA20, frames / 10);
    ten_thousand_frames_through_loss(PF_CIPHER_NONE, frames / 10);
    puts("ok");
    return 0;
}
