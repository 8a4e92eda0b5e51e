import type { AuditRow, Device, EndedSession, Fault, Knock, LogLine, Probes, Session, UpdateStatus } from "../src/api/model.ts";

export const print = (seed: string) => seed.repeat(64).slice(0, 64);

export const DEVICES = (now: number): Device[] => [
  { name: "Steam Deck", fingerprint: print("9f3a07c2d1"), grants: 63, access: "full", paired_by: "pin", paired_unix: now - 40 * 86_400, last_seen_unix: now, connected: true },
  { name: "Mara’s phone", fingerprint: print("41bb9e"), grants: 1, access: "controller-only", paired_by: "approval", paired_unix: now - 86_400, last_seen_unix: now - 5_400, expires_unix: now + 6 * 86_400, connected: false },
  { name: "living-room", fingerprint: print("c0ffee12"), grants: 63, access: "full", paired_by: "declared", paired_unix: now - 200 * 86_400, last_seen_unix: now - 12 * 86_400, connected: false },
  { name: "Guest tablet", fingerprint: print("7d20"), grants: 3, access: "gamepad+pointer", paired_by: "approval", paired_unix: now - 3 * 86_400, connected: false },
];

export const KNOCKS: Knock[] = [
  { id: 6, name: "Jonas’ laptop", fingerprint: print("30aa4417"), source: "fe80::1c2f:a1ff:fe3b:9", age_seconds: 212, waiting: false },
  { id: 7, name: "Pixel 9", fingerprint: print("e81d55aa02"), source: "192.168.1.57", age_seconds: 4, waiting: true },
];

export const SESSIONS: Session[] = [
  { id: 31, device: "Steam Deck", fingerprint: print("9f3a07c2d1"), peer: "192.168.1.44:51820", mode: "1280x800@60", codec: "h264", bitrate_kbps: 20_000, age_seconds: 4_980, frames_captured: 298_000, frames_dropped: 211, frames_sent: 297_800, fec_percent: 10 },
];

export const HISTORY = (now: number): EndedSession[] => [
  { ...session(28, "Mara’s phone", "1920x1080@60", 2_460, 146_200), ended_unix: now - 90_000, end: "nothing heard for 10 s" },
  { ...session(29, "Steam Deck", "1280x800@60", 7_320, 438_800), ended_unix: now - 30_000, end: "closed by the client (0x51)" },
  { ...session(30, "Mara’s phone", "1920x1080@60", 310, 18_440), ended_unix: now - 5_400, end: "closed by the client (0x51)" },
];

function session(id: number, device: string, mode: string, age_seconds: number, frames: number): Session {
  return { id, device, fingerprint: print("41bb9e"), peer: "192.168.1.57:40022", mode, codec: "h264", bitrate_kbps: 20_000, age_seconds, frames_captured: frames + 40, frames_dropped: 40, frames_sent: frames, fec_percent: 10 };
}

export const FAULTS: Fault[] = [
  { code: "no_uinput", severity: "warning", what: "/dev/uinput cannot be opened: permission denied.", remedy: "Add the host's user to the group input and restart the host: usermod -aG input punktfunk." },
  { code: "no_gpu", severity: "notice", what: "There is no /dev/dri/renderD128; pictures are compressed on the processor.", remedy: "Nothing, if this machine has no graphics card." },
];

export const UPDATE: UpdateStatus = {
  image: "punktfunk",
  running: "0.1.230",
  on_trial: false,
  other: { version: "0.1.229", standing: "good" },
  source: "https://updates.example.org/punktfunk",
  offer: {
    version: "0.1.231",
    by: "source",
    signed_by: "8C5A12F0B3D9E4A76C1B2F3049D8E7A6B5C4D3E2",
    packages: [
      { name: "libc6", from: "2.41-12", to: "2.41-12+deb13u1" },
      { name: "mesa-vulkan-drivers", from: "25.0.7-2", to: "25.0.7-3" },
    ],
  },
  last: { ended: "kept", version: "0.1.230", from: "0.1.229", unix: 1_795_000_000 },
};

export const PROBES: Probes = {
  displays: [
    { name: "embedded", chosen: true },
    { name: "sway", chosen: false, fault: "sway is not installed: no such program in PATH." },
    { name: "synthetic", chosen: false },
  ],
  encoders: [
    { name: "vaapi", chosen: false, fault: "/dev/dri/renderD128: no such file or directory." },
    { name: "x264", chosen: true },
  ],
};

const TARGETS = ["punktfunk_host::serve", "punktfunk_host::session", "punktfunk_transport::control", "punktfunk_video::encode"];
const TEXTS = ["listening on 0.0.0.0:9777", "session 31 began device=\"Steam Deck\" mode=1280x800@60", "rate follows loss target_kbps=20000", "keyframe requested by the client session=31"];
const LEVELS = ["info", "info", "debug", "warn"] as const;

export const LINES = (now: number): LogLine[] =>
  Array.from({ length: 40 }, (_, at) => ({
    number: at + 1,
    unix_ms: now * 1_000 - (40 - at) * 4_000,
    level: at === 33 ? "error" : (LEVELS[at % 4] ?? "info"),
    target: TARGETS[at % 4] ?? "",
    text: at === 33 ? "the encoder was restarted: x264 returned -1" : (TEXTS[at % 4] ?? ""),
  }));

const EVENTS: AuditRow["what"][] = [
  { event: "session-started", session: 31, device: { name: "Steam Deck", fingerprint: print("9f3a07c2d1") } },
  { event: "session-ended", session: 30, reason: "closed by the client (0x51)" },
  { event: "paired", device: { name: "Mara’s phone", fingerprint: print("41bb9e") } },
  { event: "access-changed", device: { name: "Guest tablet", fingerprint: print("7d20") }, before: "full", after: "gamepad+pointer" },
  { event: "login-failed", attempts: 3 },
  { event: "logged-in" },
  { event: "configuration-changed", what: "encoder.bitrate_kbps" },
  { event: "host-started", version: "0.1.0" },
];
const ACTORS: AuditRow["origin"][] = [
  { actor: { kind: "host" } },
  { actor: { kind: "console", session: "a1" }, source: "192.168.1.20" },
  { actor: { kind: "ctl", uid: 0 } },
  { actor: { kind: "stranger" }, source: "192.168.1.99" },
];

export const AUDIT = (now: number): AuditRow[] =>
  Array.from({ length: 120 }, (_, at) => ({
    number: 120 - at,
    hash: print(((120 - at) * 2_654_435_761).toString(16)),
    unix: now - at * 3_700,
    origin: ACTORS[at % 4] ?? { actor: { kind: "host" } },
    what: EVENTS[at % 8] ?? { event: "host-stopped" },
  }));

/** A picture with the finder patterns of a QR code; nobody can scan it. */
export const QR_ROWS = Array.from({ length: 29 }, (_, y) =>
  Array.from({ length: 29 }, (_, x) => {
    const [a, b] = [Math.min(x, 28 - x), Math.min(y, 28 - y)];
    if (a < 8 && b < 8 && !(x > 20 && y > 20)) {
      const ring = Math.max(Math.abs(a - 3), Math.abs(b - 3));
      return ring === 3 || ring <= 1 ? "1" : "0";
    }
    return (x * 31 + y * 17 + x * y) % 5 < 2 ? "1" : "0";
  }).join(""),
);
