import { act, screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { FakeEventSource } from "../testing/event-source";
import { server, startWorld, world } from "../testing/host";
import { visit } from "../testing/visit";
import { problem } from "../../mock/answers";
import { aKnock } from "../../mock/world";

const changed = (topic: string) => act(() => FakeEventSource.send("changed", { topic }));

test("who is not logged in is asked to, and comes to the page they wanted", async () => {
  const { user, at } = await visit("/devices", { loggedIn: false });
  await user.type(await screen.findByLabelText("Password"), world().password);
  await user.click(screen.getByRole("button", { name: "Log in" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Devices" })).toBeDefined();
  expect(at()).toBe("/devices");
});

test("a login that names another site leads home", async () => {
  const { user, at } = await visit("/login?next=//evil.example/devices", { loggedIn: false });
  await user.type(await screen.findByLabelText("Password"), world().password);
  await user.click(screen.getByRole("button", { name: "Log in" }));
  expect(await screen.findByRole("heading", { level: 1, name: /streaming/ })).toBeDefined();
  expect(at()).toBe("/");
});

test("a wrong password is said beside the field", async () => {
  const { user } = await visit("/login", { loggedIn: false });
  await user.type(await screen.findByLabelText("Password"), "wrong");
  await user.click(screen.getByRole("button", { name: "Log in" }));
  expect((await screen.findByRole("alert")).textContent).toMatch(/not right/);
  expect(screen.getByLabelText("Password").getAttribute("aria-invalid")).toBe("true");
});

test("a fresh host is claimed with its code and a password typed twice", async () => {
  const fresh = startWorld("unclaimed");
  const { user, at } = await visit("/", { loggedIn: false });
  expect(at()).toBe("/claim");
  await user.type(await screen.findByLabelText("Claim code"), fresh.code);
  await user.type(screen.getByLabelText("New password"), "a long password");
  await user.type(screen.getByLabelText("The same password again"), "another");
  await user.click(screen.getByRole("button", { name: "Claim this host" }));
  expect(screen.getByText("The two passwords are not the same.")).toBeDefined();
  expect(fresh.administrator).toBe("unclaimed");
  await user.clear(screen.getByLabelText("The same password again"));
  await user.type(screen.getByLabelText("The same password again"), "a long password");
  await user.click(screen.getByRole("button", { name: "Claim this host" }));
  expect(await screen.findByRole("heading", { level: 1, name: "Ready to stream" })).toBeDefined();
});

test("a device that knocks is announced on every page and approved with one click", async () => {
  const { user } = await visit("/pairing");
  await screen.findByText("Pixel 9");
  world().knocks = [...world().knocks, aKnock(8, "New handheld")];
  changed("pending");
  expect(await screen.findByText("New handheld asks to be admitted.")).toBeDefined();
  await user.click(await screen.findByRole("button", { name: "Approve: New handheld" }));
  expect(await screen.findByText("New handheld is admitted and connects now.")).toBeDefined();
  await waitFor(() => expect(screen.queryByRole("button", { name: "Approve: New handheld" })).toBeNull());
  expect(world().devices.map(({ name }) => name)).toContain("New handheld");
});

test("options of an approval reach the host", async () => {
  const { user } = await visit("/pairing");
  await user.click(await screen.findByRole("button", { name: "Options: Pixel 9" }));
  const dialog = within(screen.getByRole("dialog"));
  await user.clear(dialog.getByLabelText("Name to keep it under"));
  await user.type(dialog.getByLabelText("Name to keep it under"), "Mara");
  await user.click(dialog.getByRole("radio", { name: /View only/ }));
  await user.selectOptions(dialog.getByLabelText("For how long"), "2 hours");
  await user.click(dialog.getByRole("button", { name: "Approve" }));
  await screen.findByText("Mara is admitted and connects now.");
  expect(world().asked.at(-1)?.body).toEqual({ label: "Mara", access: "view-only", expires: "2h" });
});

test("what is sensitive asks for the password and is then carried out", async () => {
  const { user } = await visit("/pairing");
  world().fresh = false;
  await user.click(await screen.findByRole("button", { name: "Show a PIN" }));
  const dialog = within(await screen.findByRole("dialog"));
  await user.type(dialog.getByLabelText("Password"), "wrong{Enter}");
  expect((await dialog.findByRole("alert")).textContent).toMatch(/not right/);
  await user.clear(dialog.getByLabelText("Password"));
  await user.type(dialog.getByLabelText("Password"), `${world().password}{Enter}`);
  expect(await screen.findByLabelText("4 0 7 1")).toBeDefined();
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("giving up the password carries nothing out", async () => {
  const { user } = await visit("/pairing");
  world().fresh = false;
  await user.click(await screen.findByRole("button", { name: "Approve: Pixel 9" }));
  await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(world().knocks.map(({ name }) => name)).toContain("Pixel 9");
});

test("a link is shown as a picture to scan", async () => {
  const { user } = await visit("/pairing");
  await user.click(await screen.findByRole("button", { name: "Show a link" }));
  expect(await screen.findByRole("img", { name: "QR code of the pairing link" })).toBeDefined();
  expect(screen.getByText(/^punktfunk:/)).toBeDefined();
});

test("a Moonlight that waits is paired by the PIN that it shows", async () => {
  world().moonlights = [{ address: "192.168.1.7", age_seconds: 4 }];
  const { user } = await visit("/pairing");
  await screen.findByText("Moonlight on 192.168.1.7 waits: type the PIN that it shows.");
  expect(screen.getByRole("button", { name: "Pair" }).hasAttribute("disabled")).toBe(true);
  await user.type(screen.getByLabelText("PIN on its screen"), "4a7-11");
  await user.type(screen.getByLabelText("Name to keep it under"), "Living room");
  await user.click(screen.getByRole("button", { name: "Pair" }));
  expect(await screen.findByText("Living room is paired.")).toBeDefined();
  expect(await screen.findByText("No Moonlight waits")).toBeDefined();
  expect(world().asked.at(-1)?.body).toEqual({ pin: "4711", address: "192.168.1.7", label: "Living room" });
});

test("a wrong PIN is still said when the device waits no longer", async () => {
  world().moonlights = [{ address: "192.168.1.7", age_seconds: 4 }];
  const { user } = await visit("/pairing");
  await user.type(await screen.findByLabelText("PIN on its screen"), "0000{Enter}");
  expect((await screen.findByRole("alert")).textContent).toMatch(/begin again in Moonlight/);
  changed("pairing");
  expect(await screen.findByText("No Moonlight waits")).toBeDefined();
  expect(screen.getByRole("alert").textContent).toMatch(/begin again in Moonlight/);
});

test("where the host does not speak with Moonlight the page does not either", async () => {
  world().moonlights = null;
  await visit("/pairing");
  await screen.findByRole("heading", { name: "Invite a device" });
  expect(screen.queryByRole("heading", { name: "Moonlight" })).toBeNull();
});

test("a refusal for the page's origin is told as a failure", async () => {
  const { user } = await visit("/pairing");
  server.use(http.post("*/api/v1/pending/:id/approve", () => problem("wrong_origin")));
  await user.click(await screen.findByRole("button", { name: "Approve: Pixel 9" }));
  expect((await screen.findByRole("alert")).textContent).toMatch(/did not accept this page as its own/);
  server.resetHandlers();
});

test("a device is changed, and only what changed is sent", async () => {
  const { user } = await visit("/devices");
  await user.click(await screen.findByRole("button", { name: "Change: Steam Deck" }));
  await user.click(within(screen.getByRole("dialog")).getByRole("radio", { name: /Controller only/ }));
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("Steam Deck is changed.")).toBeDefined();
  expect(world().asked.at(-1)?.body).toEqual({ access: "controller-only" });
});

test("a device is revoked after the consequences were shown", async () => {
  const { user } = await visit("/devices");
  await user.click(await screen.findByRole("button", { name: "Remove: Steam Deck" }));
  const dialog = within(screen.getByRole("dialog"));
  expect(dialog.getByText(/ends at once/)).toBeDefined();
  await user.click(dialog.getByRole("button", { name: "Revoke" }));
  expect(await screen.findByText("Steam Deck is revoked, 1 stream was ended.")).toBeDefined();
});

test("a declared device says where it is changed and offers nothing else", async () => {
  await visit("/devices");
  expect(await screen.findByText(/The configuration file declares this device/)).toBeDefined();
  expect(screen.queryByRole("button", { name: "Remove: living-room" })).toBeNull();
});

test("graphs take each second from the event stream", async () => {
  await visit("/sessions");
  const chart = await screen.findByRole("img", { name: /^Frames a second/ });
  const { sampleAt } = await import("../../mock/samples");
  act(() => FakeEventSource.send("samples", [{ ...sampleAt(31, Date.now() + 5_000), frames_sent: 17 }]));
  await waitFor(() => expect(chart.getAttribute("aria-label")).toMatch(/Sent 17/));
});

test("a session is stopped after a question", async () => {
  const { user } = await visit("/sessions");
  await user.click(await screen.findByRole("button", { name: "Stop" }));
  await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Stop" }));
  expect(await screen.findByText("The stream of Steam Deck was stopped.")).toBeDefined();
  expect(await screen.findByText("Nothing streams at the moment")).toBeDefined();
});

test("settings are stored together, and a restart is offered", async () => {
  const { user } = await visit("/settings");
  const bitrate = await screen.findByRole("spinbutton", { name: "encoder.bitrate_kbps" });
  await user.clear(bitrate);
  await user.type(bitrate, "30000");
  await user.click(screen.getByRole("switch", { name: "network.mdns.enable" }));
  expect(screen.getByText("2 changes are not saved")).toBeDefined();
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("Stored. It holds after a restart.")).toBeDefined();
  expect(world().asked.at(-1)?.body).toEqual({ changes: { "encoder.bitrate_kbps": 30_000, "network.mdns.enable": false } });
  expect(screen.getByRole("button", { name: "Restart the host" })).toBeDefined();
});

test("a value that cannot be is refused beside its setting", async () => {
  const { user } = await visit("/settings");
  const name = await screen.findByRole("textbox", { name: "host.name" });
  await user.clear(name);
  await user.type(name, "bad");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText('"bad" cannot be: a name that is not bad')).toBeDefined();
});

test("a locked setting says where it is declared and has no control", async () => {
  await visit("/settings");
  expect(await screen.findByText("Set in /etc/punktfunk/punktfunk.toml:12: change it there.")).toBeDefined();
  expect(screen.queryByRole("spinbutton", { name: "encoder.max_bitrate_kbps" })).toBeNull();
});

test("new log lines appear as they come, filtered like the others", async () => {
  const { user } = await visit("/diagnostics");
  await user.type(await screen.findByLabelText("Only lines with"), "rate");
  const line = (number: number, text: string) => ({ number, unix_ms: Date.now(), level: "info", target: "t", text });
  act(() => {
    FakeEventSource.send("log", line(900, "a new rate"));
    FakeEventSource.send("log", line(901, "something else"));
  });
  expect(await screen.findByText("a new rate", { exact: false })).toBeDefined();
  expect(screen.queryByText("something else", { exact: false })).toBeNull();
});

test("a fault comes with what to do about it", async () => {
  await visit("/");
  expect(await screen.findByText("No gamepads")).toBeDefined();
  expect(screen.getByText(/usermod -aG input punktfunk/)).toBeDefined();
});

test("the audit log is turned page by page and judged", async () => {
  const { user, at } = await visit("/audit");
  expect(await screen.findByText("The log is what was written")).toBeDefined();
  await user.click(screen.getByRole("link", { name: "Older" }));
  await waitFor(() => expect(at()).toBe("/audit?before=71"));
});

test("a host that is away is named, and the page comes back by itself", async () => {
  await visit("/devices");
  await screen.findByRole("heading", { level: 1, name: "Devices" });
  act(() => FakeEventSource.fail());
  expect(await screen.findByText("The host does not answer.")).toBeDefined();
  await waitFor(() => expect(screen.queryByText("The host does not answer.")).toBeNull(), { timeout: 5_000 });
});

test("a page that cannot be loaded says why and can be tried again", async () => {
  server.use(http.get("*/api/v1/devices", () => HttpResponse.error()));
  await visit("/devices");
  expect(await screen.findByRole("heading", { name: "This page could not be shown" }, { timeout: 4_000 })).toBeDefined();
  expect(screen.getByRole("button", { name: "Try again" })).toBeDefined();
  server.resetHandlers();
});

test("the heading takes the focus when a page is opened", async () => {
  const { user } = await visit("/devices");
  await user.click(screen.getAllByRole("link", { name: "Audit" })[0] as HTMLElement);
  const heading = await screen.findByRole("heading", { level: 1, name: "Audit" });
  await waitFor(() => expect(document.activeElement).toBe(heading));
});
