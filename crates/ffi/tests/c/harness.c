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

/* A client and a host that speak with each other; every datagram and every byte of the stream is moved by hand. */
struct line {
    PfHostControl *host;
    PfClientControl *client;
    PfControlEvent host_events[16], client_events[16];
    size_t host_count, client_count;
    char name[65];
    uint32_t close_code;
    uint64_t now;
};

/* The stream arrives in pieces of a few bytes. */
static void pass(struct line *line, int to_host, const PfTransmit *transmit) {
    uint64_t now = line->now;
    size_t piece;
    switch (transmit->kind) {
    case PF_TRANSMIT_KIND_STREAM:
        for (size_t at = 0; at < transmit->length; at += piece) {
            /* A copy, so that reading past the piece shows. */
            uint8_t copy[7];
            piece = transmit->length - at < sizeof copy ? transmit->length - at : sizeof copy;
            memcpy(copy, transmit->bytes + at, piece);
            CHECK((to_host ? pf_host_control_handle_stream(line->host, now, now + 1, copy, piece)
                           : pf_client_control_handle_stream(line->client, now, now, copy, piece)) == PF_STATUS_OK);
        }
        break;
    case PF_TRANSMIT_KIND_DATAGRAM:
        CHECK((to_host ? pf_host_control_handle_datagram(line->host, now, transmit->bytes, transmit->length)
                       : pf_client_control_handle_datagram(line->client, now, transmit->bytes, transmit->length)) ==
              PF_STATUS_OK);
        break;
    case PF_TRANSMIT_KIND_FINISH:
        CHECK((to_host ? pf_host_control_handle_stream_end(line->host, now)
                       : pf_client_control_handle_stream_end(line->client, now)) == PF_STATUS_OK);
        break;
    case PF_TRANSMIT_KIND_CLOSE:
        line->close_code = transmit->code;
        CHECK((to_host ? pf_host_control_handle_closed(line->host, now, transmit->code, transmit->bytes, transmit->length)
                       : pf_client_control_handle_closed(line->client, now, transmit->code, transmit->bytes,
                                                         transmit->length)) == PF_STATUS_OK);
        break;
    }
}

/* Until neither side has anything to say. */
static void exchange(struct line *line) {
    PfTransmit transmit;
    PfControlEvent event;
    int moved = 1;
    while (moved) {
        moved = 0;
        while (pf_client_control_poll_transmit(line->client, line->now, line->now, &transmit) == PF_STATUS_OK) {
            pass(line, 1, &transmit);
            moved = 1;
        }
        while (pf_host_control_poll_transmit(line->host, line->now, line->now + 1, &transmit) == PF_STATUS_OK) {
            pass(line, 0, &transmit);
            moved = 1;
        }
        while (pf_host_control_poll_event(line->host, &event) == PF_STATUS_OK) {
            CHECK(line->host_count < 16);
            if (event.kind == PF_CONTROL_EVENT_KIND_HELLO || event.kind == PF_CONTROL_EVENT_KIND_PAIRING_REQUESTED) {
                CHECK(event.length < sizeof line->name);
                memcpy(line->name, event.bytes, event.length);
            }
            if (event.kind == PF_CONTROL_EVENT_KIND_INPUT) CHECK(event.length == 18 && event.bytes[0] == 0xC8);
            line->host_events[line->host_count++] = event;
        }
        while (pf_client_control_poll_event(line->client, &event) == PF_STATUS_OK) {
            CHECK(line->client_count < 16);
            line->client_events[line->client_count++] = event;
        }
    }
}

static PfControlEvent host_told(struct line *line, PfControlEventKind kind) {
    for (size_t i = 0; i < line->host_count; i++)
        if (line->host_events[i].kind == kind) return line->host_events[i];
    CHECK(!"the host was told");
    exit(1);
}

static PfControlEvent client_told(struct line *line, PfControlEventKind kind) {
    for (size_t i = 0; i < line->client_count; i++)
        if (line->client_events[i].kind == kind) return line->client_events[i];
    CHECK(!"the client was told");
    exit(1);
}

static void client_says(struct line *line, PfControlCommand command, PfCommandKind kind) {
    command.size = sizeof command;
    command.kind = kind;
    CHECK(pf_client_control_command(line->client, line->now, &command) == PF_STATUS_OK);
    line->host_count = line->client_count = 0;
    exchange(line);
}

static void host_says(struct line *line, PfControlCommand command, PfCommandKind kind) {
    command.size = sizeof command;
    command.kind = kind;
    CHECK(pf_host_control_command(line->host, line->now, &command) == PF_STATUS_OK);
    line->host_count = line->client_count = 0;
    exchange(line);
}

static struct line line_with_hello(void) {
    struct line line = {0};
    uint8_t client_fp[PF_FINGERPRINT_BYTES] = {1}, host_fp[PF_FINGERPRINT_BYTES] = {2};
    PfHelloOptions hello = {.size = sizeof hello, .width = 1280, .height = 720, .hz = 60, .video_caps = 0xB8, .codecs = 1};
    hello.name = (const uint8_t *)"a C program";
    hello.name_length = strlen("a C program");
    line.now = 1000000;
    CHECK(pf_host_control_new(client_fp, host_fp, line.now, &line.host) == PF_STATUS_OK);
    CHECK(pf_client_control_new(&hello, line.now, &line.client) == PF_STATUS_OK);
    exchange(&line);
    CHECK(strcmp(line.name, "a C program") == 0);
    PfControlEvent greeted = host_told(&line, PF_CONTROL_EVENT_KIND_HELLO);
    CHECK(greeted.width == 1280 && greeted.hz == 60 && greeted.video_caps == 0xB8 && greeted.codecs == 1);
    return line;
}

static void free_line(struct line *line) {
    pf_host_control_free(line->host);
    pf_client_control_free(line->client);
}

/* What Welcome says is what both media sessions are made of; a frame goes through in slices. */
static void media_of_a_welcome(PfMediaOptions host_options, PfMediaOptions client_options, uint32_t video_caps) {
    PfHostMedia *host;
    PfClientMedia *client;
    PfBatch batch;
    PfUnit unit;
    uint8_t *datagrams = malloc(PF_BATCH_BYTES), *slice = calloc(1, 30000);
    CHECK(pf_host_media_new(&host_options, &host) == PF_STATUS_OK);
    CHECK(pf_client_media_new(&client_options, &client) == PF_STATUS_OK);
    CHECK(pf_host_media_push_slice(host, slice, 1) == PF_STATUS_INVALID_ARGUMENT);
    CHECK(pf_host_media_begin_unit(host, 0, 0, PF_UNIT_KIND_IDR, 0x18, NULL) == PF_STATUS_INVALID_ARGUMENT);
    CHECK(pf_host_media_begin_unit(host, 0, 0, PF_UNIT_KIND_IDR, video_caps, NULL) == PF_STATUS_OK);
    for (int part = 0; part < 5; part++) {
        if (part < 4) CHECK(pf_host_media_push_slice(host, slice, 30000) == PF_STATUS_OK);
        if (part == 4) CHECK(pf_host_media_finish_unit(host, 0) == PF_STATUS_OK);
        while (pf_host_media_poll_transmit(host, 0, datagrams, PF_BATCH_BYTES, &batch) == PF_STATUS_OK)
            for (size_t i = 0; i < batch.datagrams; i++)
                CHECK(pf_client_media_handle_datagram(client, 0, datagrams + i * batch.segment, batch.segment) ==
                      PF_STATUS_OK);
    }
    CHECK(pf_client_media_poll_unit(client, &unit) == PF_STATUS_OK && unit.length == 120000);
    CHECK((unit.user_flags & 0x80) != 0);
    pf_host_media_free(host);
    pf_client_media_free(client);
    free(datagrams);
    free(slice);
}

static void a_session_from_hello_to_close(void) {
    struct line line = line_with_hello();
    PfMediaOptions seen;
    uint8_t key_down[18] = {0xC8, 3, 0x41};
    PfAdmission admission = {.size = sizeof admission, .width = 1280, .height = 720, .hz = 60, .codec = 1};
    CHECK(pf_client_control_media_options(line.client, &seen) == PF_STATUS_NOTHING);
    admission.bitrate_kbps = 20000;
    admission.max_bitrate_kbps = 50000;
    admission.grants = 0x3F;
    admission.media_port = 7000;
    admission.audio_channels = 2;
    CHECK(pf_host_control_accept(line.host, line.now, &admission) == PF_STATUS_INVALID_ARGUMENT);
    admission.media = options(PF_CIPHER_CHACHA20);
    CHECK(pf_host_control_accept(line.host, line.now, &admission) == PF_STATUS_OK);
    exchange(&line);
    CHECK(client_told(&line, PF_CONTROL_EVENT_KIND_WELCOMED).port == 7000);
    CHECK(pf_client_control_media_options(line.client, &seen) == PF_STATUS_OK);
    CHECK(seen.cipher == PF_CIPHER_CHACHA20 && memcmp(seen.key, admission.media.key, sizeof seen.key) == 0);
    media_of_a_welcome(admission.media, seen, 0xB8);

    client_says(&line, (PfControlCommand){.port = 5000}, PF_COMMAND_KIND_START);
    CHECK(host_told(&line, PF_CONTROL_EVENT_KIND_STARTED).port == 5000);
    CHECK(client_told(&line, PF_CONTROL_EVENT_KIND_READY).flag == 1);
    client_says(&line, (PfControlCommand){.kbps = 90000}, PF_COMMAND_KIND_SET_BITRATE);
    CHECK(client_told(&line, PF_CONTROL_EVENT_KIND_BITRATE_CHANGED).kbps == 50000);
    CHECK(host_told(&line, PF_CONTROL_EVENT_KIND_BITRATE_CHANGED).kbps == 50000);
    client_says(&line, (PfControlCommand){.first = 4, .last = 6}, PF_COMMAND_KIND_FRAMES_LOST);
    CHECK(host_told(&line, PF_CONTROL_EVENT_KIND_FRAMES_LOST).last == 6);
    client_says(&line, (PfControlCommand){.ppm = 12345}, PF_COMMAND_KIND_REPORT_LOSS);
    CHECK(host_told(&line, PF_CONTROL_EVENT_KIND_LOSS).ppm == 12345);
    client_says(&line, (PfControlCommand){0}, PF_COMMAND_KIND_REQUEST_KEYFRAME);
    host_told(&line, PF_CONTROL_EVENT_KIND_KEYFRAME_REQUESTED);
    client_says(&line, (PfControlCommand){.width = 640, .height = 360, .hz = 30}, PF_COMMAND_KIND_RECONFIGURE);
    CHECK(client_told(&line, PF_CONTROL_EVENT_KIND_RECONFIGURED).flag == 1);
    CHECK(host_told(&line, PF_CONTROL_EVENT_KIND_MODE_CHANGED).height == 360);
    client_says(&line, (PfControlCommand){.kbps = 100000, .duration_ms = 100}, PF_COMMAND_KIND_PROBE);
    CHECK(host_told(&line, PF_CONTROL_EVENT_KIND_PROBE_REQUESTED).kbps == 100000);
    host_says(&line, (PfControlCommand){.sent_bytes = 99, .first = 3, .last = 5, .duration_ms = 100}, PF_COMMAND_KIND_PROBE_DONE);
    CHECK(client_told(&line, PF_CONTROL_EVENT_KIND_PROBE_RESULT).sent_bytes == 99);
    host_says(&line, (PfControlCommand){.duration_ms = 40}, PF_COMMAND_KIND_PIPELINE_GAP);
    CHECK(client_told(&line, PF_CONTROL_EVENT_KIND_PIPELINE_GAP).duration_ms == 40);
    host_says(&line, (PfControlCommand){.grants = 2, .duration_ms = 5000}, PF_COMMAND_KIND_ACCESS_CHANGED);
    CHECK(client_told(&line, PF_CONTROL_EVENT_KIND_ACCESS_CHANGED).grants == 2);
    client_says(&line, (PfControlCommand){.bytes = key_down, .length = sizeof key_down}, PF_COMMAND_KIND_INPUT);
    host_told(&line, PF_CONTROL_EVENT_KIND_INPUT);
    client_says(&line, (PfControlCommand){.flag = 1}, PF_COMMAND_KIND_CLOSE);
    CHECK(line.close_code == 0x51 && client_told(&line, PF_CONTROL_EVENT_KIND_CLOSED).flag == 1);
    CHECK(host_told(&line, PF_CONTROL_EVENT_KIND_CLOSED).code == 0x51);
    free_line(&line);
}

static void a_refusal_with_words_and_a_silent_host(void) {
    struct line line = line_with_hello();
    const char *why = "no display today";
    uint64_t at = 0;
    PfControlEvent event;
    PfControlCommand refusal = {.code = 0x68, .bytes = (const uint8_t *)why, .length = strlen(why)};
    refusal.size = sizeof refusal;
    refusal.kind = PF_COMMAND_KIND_REFUSE;
    CHECK(pf_client_control_command(line.client, line.now, &refusal) == PF_STATUS_INVALID_ARGUMENT);
    refusal.size = 12;
    CHECK(pf_host_control_command(line.host, line.now, &refusal) == PF_STATUS_INVALID_ARGUMENT);
    host_says(&line, refusal, PF_COMMAND_KIND_REFUSE);
    CHECK(line.close_code == 0x68 && client_told(&line, PF_CONTROL_EVENT_KIND_CLOSED).code == 0x68);
    free_line(&line);
    line = line_with_hello();
    CHECK(pf_client_control_poll_timeout(line.client, &at) == PF_STATUS_OK && at > line.now);
    CHECK(pf_client_control_handle_timeout(line.client, at) == PF_STATUS_OK);
    CHECK(pf_client_control_poll_event(line.client, &event) == PF_STATUS_OK);
    CHECK(event.kind == PF_CONTROL_EVENT_KIND_CLOSED && event.flag == 1);
    CHECK(pf_host_control_handle_closed(line.host, line.now, -1, NULL, 0) == PF_STATUS_OK);
    CHECK(pf_host_control_poll_event(line.host, &event) == PF_STATUS_OK && event.flag == 2);
    free_line(&line);
    pf_host_control_free(NULL);
    pf_client_control_free(NULL);
}

/* Writes a message into the host's stream as the wire frames it, and reads the answer the same way. */
static size_t answer_of_host(PfHostControl *host, const uint8_t *message, size_t length, uint8_t *answer) {
    uint8_t framed[2 + PF_PAIRING_MESSAGE_BYTES];
    PfTransmit transmit;
    framed[0] = (uint8_t)length;
    framed[1] = (uint8_t)(length >> 8);
    memcpy(framed + 2, message, length);
    CHECK(pf_host_control_handle_stream(host, 1, 1, framed, length + 2) == PF_STATUS_OK);
    for (;;) {
        PfControlEvent event;
        PfControlCommand command = {.size = sizeof command};
        uint8_t entropy[PF_ENTROPY_BYTES] = {9, 8, 7};
        if (pf_host_control_poll_event(host, &event) != PF_STATUS_OK) break;
        if (event.kind == PF_CONTROL_EVENT_KIND_PAIRING_REQUESTED) {
            command.kind = PF_COMMAND_KIND_BEGIN_PAIRING;
            command.bytes = (const uint8_t *)"4321";
            command.length = 4;
            command.entropy = entropy;
        } else if (event.kind == PF_CONTROL_EVENT_KIND_PAIRING_ANSWERED) {
            command.kind = PF_COMMAND_KIND_SEND_CHALLENGE;
        } else {
            CHECK(event.kind == PF_CONTROL_EVENT_KIND_PAIRING_PROVEN);
            command.kind = PF_COMMAND_KIND_PAIRING_STORED;
            command.flag = 1;
        }
        CHECK(pf_host_control_command(host, 1, &command) == PF_STATUS_OK);
    }
    CHECK(pf_host_control_poll_transmit(host, 1, 1, &transmit) == PF_STATUS_OK);
    CHECK(transmit.kind == PF_TRANSMIT_KIND_STREAM && transmit.length > 2);
    memcpy(answer, transmit.bytes + 2, transmit.length - 2);
    return transmit.length - 2;
}

static void a_ceremony_on_a_host_session(void) {
    uint8_t client_fp[PF_FINGERPRINT_BYTES] = {1}, host_fp[PF_FINGERPRINT_BYTES] = {2}, entropy[PF_ENTROPY_BYTES] = {3};
    uint8_t there[PF_PAIRING_MESSAGE_BYTES], back[PF_PAIRING_MESSAGE_BYTES];
    size_t length = 0;
    PfHostControl *host = NULL;
    PfPairing *client = NULL;
    CHECK(pf_host_control_new(client_fp, host_fp, 0, &host) == PF_STATUS_OK);
    CHECK(pf_pairing_client("a device", "4321", client_fp, host_fp, entropy, there, &length, &client) == PF_STATUS_OK);
    size_t answered = answer_of_host(host, there, length, back);
    CHECK(pf_pairing_handle(client, back, answered, there, &length) == PF_STATUS_OK);
    answered = answer_of_host(host, there, length, back);
    CHECK(pf_pairing_handle(client, back, answered, there, &length) == PF_STATUS_NOTHING);
    CHECK(pf_pairing_is_paired(client) == 1);
    pf_pairing_free(client);
    pf_host_control_free(host);
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
    a_session_from_hello_to_close();
    a_refusal_with_words_and_a_silent_host();
    a_ceremony_on_a_host_session();
    CHECK(ceremony("4321") == PF_STATUS_NOTHING);
    CHECK(ceremony("1234") == PF_STATUS_WRONG_PIN);
    ten_thousand_frames_through_loss(PF_CIPHER_AES128_GCM, frames);
    ten_thousand_frames_through_loss(PF_CIPHER_CHACHA20, frames / 10);
    ten_thousand_frames_through_loss(PF_CIPHER_NONE, frames / 10);
    puts("ok");
    return 0;
}
