import type { Setting } from "../src/api/model.ts";

const choices = (of: Record<string, string>) => Object.entries(of).map(([value, description]) => ({ value, description }));
const declared = (line: number) => ({ why: "declared" as const, place: `/etc/punktfunk/punktfunk.toml:${line}` });

/** One of each kind, and of each lock. */
export const SETTINGS: Setting[] = [
  { key: "display.backend", description: "What makes the virtual display of a session.", kind: { type: "choice", choices: choices({ auto: "The first that works on this machine: embedded, then sway.", embedded: "The compositor built into the host.", gamescope: "A headless gamescope for each session: games on the GPU.", sway: "A headless sway for each session." }) }, default: "auto", value: "auto" },
  { key: "encoder.bitrate_kbps", description: "Video rate for clients that leave it to the host, in kbit/s. At most encoder.max_bitrate_kbps.", kind: { type: "integer", minimum: 500, maximum: 8_000_000 }, default: 20_000, value: 20_000 },
  { key: "encoder.codecs", description: "Codecs offered to clients, the preferred first.", kind: { type: "text_list", choices: choices({ h264: "H.264 (AVC)", hevc: "H.265 (HEVC)" }) }, default: ["h264"], value: ["h264"] },
  { key: "encoder.max_bitrate_kbps", description: "Ceiling for the video rate, in kbit/s: a client that asks for more gets this.", kind: { type: "integer", minimum: 500, maximum: 8_000_000 }, default: 100_000, value: 60_000, locked: declared(12) },
  { key: "fec.start_percent", description: "Parity at the start of a session, in percent of the data.", kind: { type: "integer", minimum: 0, maximum: 50 }, default: 10, value: 10 },
  { key: "host.name", description: "The name clients list this host under: 1 to 63 bytes without control characters.", kind: { type: "text" }, default: null, value: "attic" },
  { key: "log.level", description: "What is written to the log.", kind: { type: "choice", choices: choices({ error: "Faults of the host.", warn: "What is possible but bad, too.", info: "What an operator wants to see, too.", debug: "What developers want to see, too." }) }, default: "info", value: "info", after_restart: "debug" },
  { key: "network.mdns.enable", description: "Whether discovery announces the host.", kind: { type: "boolean" }, default: true, value: true },
  { key: "network.mdns.interfaces", description: "Network interfaces to announce the host on; empty: all.", kind: { type: "text_list", choices: [] }, default: [], value: ["enp3s0"] },
  { key: "network.listen", description: "The address to listen on.", kind: { type: "text" }, default: "0.0.0.0", value: "0.0.0.0", locked: { why: "file_only" } },
  { key: "pairing.policy", description: "Who may stream.", kind: { type: "choice", choices: choices({ require: "Paired devices.", open: "Whoever reaches the host." }) }, default: "require", value: "require", locked: { why: "file_only" } },
  { key: "session.command", description: "The application that sessions run.", kind: { type: "text_list", choices: [] }, default: [], value: ["/usr/bin/gamescope", "--", "steam"], locked: declared(21) },
  { key: "session.environment", description: "Environment variables of the application.", kind: { type: "text_map" }, default: {}, value: { MANGOHUD: "1" }, locked: { why: "file_only" } },
  { key: "session.max_sessions", description: "The most sessions there may be at once.", kind: { type: "integer", minimum: 1, maximum: 4 }, default: 4, value: 4 },
];
