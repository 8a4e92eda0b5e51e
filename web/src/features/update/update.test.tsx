import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { UpdateStatus } from "../../api/model";
import { world } from "../../testing/host";
import { visit } from "../../testing/visit";

const SYSTEM: UpdateStatus = { image: "punktfunk", running: "0.2", on_trial: false, source: "https://updates.example.org" };
const FAILED: UpdateStatus = {
  ...SYSTEM,
  last: { ended: "taken_back", version: "0.3", from: "0.2", unix: 1_790_000_000, tries: 2, part: "stream", reason: "no configured display works", dismissed: false },
};

test("a system without update service shows nothing of updates", async () => {
  await visit("/about");
  expect(await screen.findByRole("heading", { name: "Identity" })).toBeDefined();
  expect(screen.queryByText("System updates")).toBeNull();
});

test("an update is shown with its packages, accepted, and started after a question", async () => {
  world().update = SYSTEM;
  const { user } = await visit("/about");
  await user.click(await screen.findByRole("button", { name: "Look for updates" }));
  expect(await screen.findByText("Version 0.3 is offered")).toBeDefined();
  await user.click(screen.getByText("1 package differs"));
  expect(screen.getByRole("cell", { name: "25.1" })).toBeDefined();
  await user.click(screen.getByRole("button", { name: "Accept 0.3" }));
  expect(await screen.findByText("Version 0.3 is ready")).toBeDefined();
  expect(world().asked.at(-1)?.body).toEqual({ version: "0.3" });
  await user.click(screen.getByRole("button", { name: "Restart the machine" }));
  await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Restart the machine" }));
  expect(await screen.findByText("The machine restarts.")).toBeDefined();
  expect(world().asked.at(-1)?.path).toBe("/api/v1/update/apply");
});

test("an update that was taken back says why until it is read", async () => {
  world().update = FAILED;
  const { user } = await visit("/about");
  expect(await screen.findByText("Version 0.3 was taken back; 0.2 runs again")).toBeDefined();
  expect(screen.getByText("It did not stream.")).toBeDefined();
  expect(screen.getByText("no configured display works")).toBeDefined();
  await user.click(screen.getByRole("button", { name: "I have read it" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "I have read it" })).toBeNull());
});

test("an update that was taken back needs attention on Home", async () => {
  world().faults = [{ code: "update_taken_back", severity: "warning", what: "version 0.3 was started twice and taken back", remedy: "wait for a newer version" }];
  await visit("/");
  expect(await screen.findByText("The update was taken back")).toBeDefined();
});

test("what is refused and what is under way are said", async () => {
  world().update = { ...SYSTEM, refused: { code: "unsigned", message: "the update has no signature" } };
  await visit("/about");
  expect(await screen.findByText("The update was not accepted")).toBeDefined();
});
