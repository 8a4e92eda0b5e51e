import type { AdministratorState, DoctorReport, HostIdentity, HostStatus, Knock, LogLine, MoonlightWaiting, PinWindowOpen, SessionSample, Topic, UpdateStatus } from "../src/api/model.ts";
import { AUDIT, DEVICES, FAULTS, HISTORY, KNOCKS, LINES, PROBES, SESSIONS, UPDATE, print } from "./data.ts";
import { SETTINGS } from "./settings.ts";

export type Scene = "busy" | "empty" | "unclaimed";
type Told = { event: "changed"; data: { topic: Topic } } | { event: "samples"; data: SessionSample[] } | { event: "log"; data: LogLine };

/** Everything the mock host knows; tests change it as they like and `tell` the pages. */
export function makeWorld(scene: Scene = "busy") {
  const now = Math.floor(Date.now() / 1_000);
  const empty = scene !== "busy";
  const listeners = new Set<(told: Told) => void>();
  return {
    scene,
    started: now - (empty ? 60 : 273_600),
    administrator: (scene === "unclaimed" ? "unclaimed" : "claimed") as AdministratorState,
    code: "K7QM-2XWD",
    password: "correct horse battery",
    loggedIn: false,
    fresh: true,
    devices: empty ? [] : DEVICES(now),
    knocks: empty ? [] : structuredClone(KNOCKS),
    sessions: empty ? [] : structuredClone(SESSIONS),
    history: empty ? [] : HISTORY(now),
    faults: empty ? [] : FAULTS,
    settings: structuredClone(SETTINGS).map((one) => (empty ? { ...one, after_restart: null } : one)),
    probes: PROBES,
    lines: LINES(now),
    audit: empty ? [] : AUDIT(now),
    /** Null: the system has no update service. */
    update: (empty ? null : structuredClone(UPDATE)) as UpdateStatus | null,
    identity: { fingerprint: print("5e2d91c7"), successor: null, after_restart: null } as HostIdentity,
    doctor: (empty ? null : doctorReport(now - 1_800)) as DoctorReport | null,
    /** Null: the host does not speak with Moonlight. */
    moonlights: (empty ? null : []) as MoonlightWaiting[] | null,
    invitation: null as (PinWindowOpen & { closes: number }) | null,
    /** What was asked with which body, the newest last. */
    asked: [] as { method: string; path: string; body: unknown }[],
    tell: (told: Told) => listeners.forEach((listener) => listener(told)),
    listen: (listener: (told: Told) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What a Moonlight of the mock shows. */
export const MOONLIGHT_PIN = "4711";

export type World = ReturnType<typeof makeWorld>;

export function doctorReport(unix: number): DoctorReport {
  return {
    unix,
    took_ms: 3_420,
    checks: [
      { id: "stream", outcome: "passed", found: "60 of 60 frames arrived, 11.2 ms from paint to receipt at the median." },
      { id: "display", outcome: "passed", found: "embedded painted 60 frames in 1.0 s." },
      { id: "encoder", outcome: "warned", found: "x264 took 9.8 ms a frame at 1920x1080.", remedy: "Choose a smaller picture on the client, or a machine with a graphics card." },
      { id: "disk", outcome: "passed", found: "212 GiB free in /var/lib/punktfunk." },
      { id: "gamepad", outcome: "failed", found: "/dev/uinput cannot be opened: permission denied.", remedy: "Add the host's user to the group input." },
      { id: "clock", outcome: "skipped", found: "No time server is configured." },
    ],
  };
}

export function statusOf(world: World): HostStatus {
  const seconds_left = world.invitation ? Math.max(0, Math.round((world.invitation.closes - Date.now()) / 1_000)) : 0;
  return {
    host_version: "0.1.0",
    name: "attic",
    id: "attic-7f3c",
    fingerprint: world.identity.fingerprint,
    listen: "0.0.0.0:9777",
    console: "0.0.0.0:47990",
    pairing_policy: "require",
    mdns: true,
    display: "embedded",
    encoder: "x264",
    administrator: world.administrator,
    uptime_seconds: Math.floor(Date.now() / 1_000) - world.started,
    pin_window: world.invitation && { seconds_left, bound_to: null },
    pending: world.knocks.length,
    devices: world.devices.length,
    sessions: world.sessions.length,
    max_sessions: 4,
    warnings: [],
  };
}

export const aKnock = (id: number, name: string): Knock => ({ id, name, fingerprint: print(`${id}b7`), source: "192.168.1.80", age_seconds: 0, waiting: true });
