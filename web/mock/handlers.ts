import { type HttpHandler, HttpResponse, http } from "msw";
import type { components } from "../src/api/generated/schema.ts";
import { done, json, list, nothing, problem } from "./answers.ts";
import { QR_ROWS } from "./data.ts";
import { events } from "./events.ts";
import { sampleAt } from "./samples.ts";
import { MOONLIGHT_PIN, type World, doctorReport, statusOf } from "./world.ts";

type Schemas = components["schemas"];
type Lane = "open" | "admin" | "sensitive";
type Method = "get" | "post" | "put" | "patch" | "delete";
type Asked = { body: unknown; params: Record<string, string>; url: URL };
type Answer = (world: World, asked: Asked) => Response | Promise<Response>;
type Route = (method: Method, path: string, lane: Lane, answer: Answer) => HttpHandler;

/** The host's routes over a world, with their lanes. */
export function handlers(world: () => World) {
  const route: Route = (method, path, lane, answer) =>
    http[method](`*/api/v1${path}`, async ({ request, params }) => {
      const now = world();
      const body: unknown = await request.json().catch(() => null);
      const url = new URL(request.url);
      if (method !== "get") now.asked.push({ method, path: url.pathname, body });
      if (lane !== "open" && now.administrator === "unclaimed") return problem("unclaimed");
      if (lane !== "open" && !now.loggedIn) return problem("not_authenticated");
      if (lane === "sensitive" && !now.fresh) return problem("password_needed");
      return answer(now, { body, params: params as Record<string, string>, url });
    });
  return [
    route("get", "/health", "open", (w) => json("Health", { state: w.faults.length > 0 ? "degraded" : "ok", administrator: w.administrator, faults: w.faults })),
    ...administrators(route),
    ...pairing(route),
    ...devices(route),
    ...sessions(route),
    ...configuration(route),
    ...diagnostics(route),
    route("get", "/events", "admin", (w, { url }) => events(w, url.searchParams.get("logs") === "true")),
  ];
}


const enter = (w: World) => {
  w.loggedIn = true;
  w.fresh = true;
  return json("Login", { password_fresh: true });
};

const administrators = (route: Route) => [
  route("post", "/claim", "open", (w, { body }) => {
    const { code, password } = body as Schemas["ClaimRequest"];
    if (w.administrator !== "unclaimed") return problem("claimed");
    if (code !== w.code) return problem("wrong");
    w.administrator = "claimed";
    w.password = password;
    return enter(w);
  }),
  route("post", "/login", "open", (w, { body }) => {
    if (w.administrator === "unclaimed") return problem("unclaimed");
    return (body as Schemas["LoginRequest"]).password === w.password ? enter(w) : problem("wrong");
  }),
  route("get", "/login", "admin", (w) => json("Login", { password_fresh: w.fresh })),
  route("post", "/login/confirm", "admin", (w, { body }) => ((body as Schemas["LoginRequest"]).password === w.password ? enter(w) : problem("wrong"))),
  route("delete", "/login", "admin", (w) => {
    w.loggedIn = false;
    return done();
  }),
  route("put", "/password", "sensitive", (w, { body }) => {
    w.password = (body as Schemas["PasswordChange"]).password;
    return enter(w);
  }),
];

const pairing = (route: Route) => [
  route("get", "/pairing", "admin", (w) => {
    const { pin_window } = statusOf(w);
    return pin_window ? json("PinWindowState", pin_window) : nothing();
  }),
  route("post", "/pairing", "sensitive", (w, { body }) => {
    const link = (body as Schemas["ArmRequest"]).by === "link";
    const open: Schemas["PinWindowOpen"] = link
      ? { link: "punktfunk://192.168.1.10:9777/pair#k7Qm2xWd93", qr: { rows: QR_ROWS }, seconds_left: 300 }
      : { pin: "4071", seconds_left: 120 };
    w.invitation = { ...open, closes: Date.now() + open.seconds_left * 1_000 };
    return json("PinWindowOpen", open);
  }),
  route("delete", "/pairing", "admin", (w) => {
    w.invitation = null;
    return done();
  }),
  route("get", "/pairing/moonlight", "admin", (w) => json("Moonlights", { enabled: w.moonlights !== null, waiting: w.moonlights ?? [] })),
  route("post", "/pairing/moonlight", "sensitive", (w, { body }) => {
    const { pin, address, label } = body as Schemas["MoonlightPin"];
    const waiting = w.moonlights?.find((one) => one.address === address);
    if (!waiting) return problem("not_found");
    w.moonlights = (w.moonlights ?? []).filter((one) => one !== waiting);
    if (pin !== MOONLIGHT_PIN) return problem("refused");
    const device: Schemas["Device"] = { name: label ?? `Moonlight on ${waiting.address}`, fingerprint: "5d".repeat(32), grants: 63, access: "full", paired_by: "pin", paired_unix: Math.floor(Date.now() / 1_000), connected: false };
    w.devices = [...w.devices, device];
    return json("Device", device);
  }),
  route("get", "/pending", "admin", (w) => json("Pending", { knocks: w.knocks, dropped: 0 })),
  route("post", "/pending/:id/approve", "sensitive", (w, { params, body }) => {
    const knock = w.knocks.find(({ id }) => String(id) === params.id);
    if (!knock) return problem("not_found");
    const { label, access } = body as Schemas["ApproveRequest"];
    const now = Math.floor(Date.now() / 1_000);
    const device: Schemas["Device"] = { name: label ?? knock.name, fingerprint: knock.fingerprint, grants: 63, access: access ?? "full", paired_by: "approval", paired_unix: now, connected: knock.waiting };
    w.knocks = w.knocks.filter((one) => one !== knock);
    w.devices = [...w.devices, device];
    return json("Approved", { device, admitted: knock.waiting });
  }),
  route("post", "/pending/:id/deny", "admin", (w, { params }) => {
    const knock = w.knocks.find(({ id }) => String(id) === params.id);
    if (!knock) return problem("not_found");
    w.knocks = w.knocks.filter((one) => one !== knock);
    return json("Knock", knock);
  }),
];

const devices = (route: Route) => [
  route("get", "/devices", "admin", (w) => list("Device", w.devices)),
  route("patch", "/devices/:fingerprint", "sensitive", (w, { params, body }) => {
    const device = w.devices.find(({ fingerprint }) => fingerprint === params.fingerprint);
    if (!device) return problem("not_found");
    const { name, access } = body as Schemas["DeviceChange"];
    Object.assign(device, { ...(name && { name }), ...(access && { access }) });
    return json("Device", device);
  }),
  route("delete", "/devices/:fingerprint", "sensitive", (w, { params }) => {
    const ended = w.sessions.filter(({ fingerprint }) => fingerprint === params.fingerprint).length;
    w.sessions = w.sessions.filter(({ fingerprint }) => fingerprint !== params.fingerprint);
    w.devices = w.devices.filter(({ fingerprint }) => fingerprint !== params.fingerprint);
    return json("Revoked", { sessions_ended: ended });
  }),
];

const sessions = (route: Route) => [
  route("get", "/sessions", "admin", (w) => list("Session", w.sessions)),
  route("get", "/sessions/history", "admin", (w) => list("EndedSession", w.history)),
  route("get", "/sessions/:id/samples", "admin", (_, { params }) => {
    const now = Math.floor(Date.now() / 1_000) * 1_000;
    return list("SessionSample", Array.from({ length: 120 }, (_, at) => sampleAt(Number(params.id), now - (119 - at) * 1_000)));
  }),
  route("delete", "/sessions/:id", "admin", (w, { params }) => {
    const session = w.sessions.find(({ id }) => String(id) === params.id);
    if (!session) return problem("not_found");
    w.sessions = w.sessions.filter((one) => one !== session);
    return json("Session", session);
  }),
  route("post", "/sessions/:id/keyframe", "admin", () => done()),
];

const settingsOf = (w: World): Schemas["Settings"] => ({
  settings: w.settings,
  restart_needed: w.settings.some(({ after_restart }) => after_restart !== undefined && after_restart !== null),
});

const configuration = (route: Route) => [
  route("get", "/overview", "admin", (w) => json("HostStatus", statusOf(w))),
  route("get", "/settings", "admin", (w) => json("Settings", settingsOf(w))),
  route("patch", "/settings", "sensitive", (w, { body }) => {
    for (const [key, value] of Object.entries((body as Schemas["SettingsChange"]).changes)) {
      const setting = w.settings.find((one) => one.key === key);
      if (key === "host.name" && value === "bad") return problem("invalid", { problems: [{ key, found: '"bad"', allowed: "a name that is not bad" }] });
      if (setting) setting.after_restart = value ?? setting.default;
    }
    return json("Settings", settingsOf(w));
  }),
  route("post", "/restart", "sensitive", (w) => {
    w.started = Math.floor(Date.now() / 1_000);
    w.settings = w.settings.map(({ after_restart, ...one }) => ({ ...one, value: after_restart ?? one.value }));
    return done(202);
  }),
  route("get", "/update", "admin", (w) => (w.update ? json("UpdateStatus", w.update) : nothing())),
  route("post", "/update/check", "admin", (w) => {
    if (!w.update) return problem("refused");
    const offer: Schemas["UpdateOffer"] = { version: "0.3", by: "source", signed_by: "AB".repeat(20), packages: [{ name: "mesa", from: "25.0", to: "25.1" }] };
    w.update = { ...w.update, offer };
    return json("UpdateOffer", offer);
  }),
  route("delete", "/update/files", "sensitive", () => done()),
  route("put", "/update/files/:name", "sensitive", () => done()),
  route("post", "/update/stage", "sensitive", (w, { body }) => {
    const { version } = body as Schemas["UpdateChoice"];
    if (!w.update) return problem("refused");
    return json("UpdateStatus", (w.update = { ...w.update, offer: null, staged: version }));
  }),
  route("post", "/update/apply", "sensitive", () => done(202)),
  route("post", "/update/dismiss", "admin", (w) => {
    if (w.update?.last?.ended !== "taken_back") return problem("refused");
    return json("UpdateStatus", (w.update = { ...w.update, last: { ...w.update.last, dismissed: true } }));
  }),
  route("get", "/identity", "admin", (w) => json("HostIdentity", w.identity)),
  route("post", "/identity/successor", "sensitive", (w) => json("HostIdentity", (w.identity = { ...w.identity, successor: w.devices[0]?.fingerprint ?? null }))),
  route("delete", "/identity/successor", "sensitive", (w) => json("HostIdentity", (w.identity = { ...w.identity, successor: null }))),
  route("post", "/identity/promote", "sensitive", (w) => json("HostIdentity", (w.identity = { ...w.identity, after_restart: w.identity.successor ?? null }))),
  route("post", "/backup", "sensitive", (w) => new HttpResponse("age-encryption.org/v1", { headers: { "content-type": "application/octet-stream", "x-devices": String(w.devices.length) } })),
  route("post", "/restore", "sensitive", () => json("Restored", { devices: 4, written_unix: 1_790_000_000 })),
];

const diagnostics = (route: Route) => [
  route("get", "/probes", "admin", (w) => json("Probes", w.probes)),
  route("get", "/doctor", "admin", (w) => (w.doctor ? json("DoctorReport", w.doctor) : nothing())),
  route("post", "/doctor", "admin", (w) => json("DoctorReport", (w.doctor = doctorReport(Math.floor(Date.now() / 1_000))))),
  route("get", "/logs", "admin", (w, { url }) => {
    const order = ["error", "warn", "info", "debug", "trace"];
    const most = order.indexOf(url.searchParams.get("level") ?? "trace");
    const wanted = (url.searchParams.get("contains") ?? "").toLowerCase();
    return list("LogLine", w.lines.filter((line) => order.indexOf(line.level) <= most && line.text.toLowerCase().includes(wanted)));
  }),
  route("get", "/report", "admin", () => new HttpResponse("punktfunk report\n", { headers: { "content-type": "text/plain" } })),
  route("get", "/audit", "admin", (w, { url }) => {
    const before = Number(url.searchParams.get("before") ?? Number.MAX_SAFE_INTEGER);
    const rows = w.audit.filter(({ number }) => number < before).slice(0, Number(url.searchParams.get("limit") ?? 100));
    return HttpResponse.json({ rows });
  }),
  route("get", "/audit/verdict", "admin", (w) => json("AuditVerdict", { verdict: "sound", first: 1, last: w.audit.length, hash: w.audit[0]?.hash ?? "0".repeat(64) })),
];
