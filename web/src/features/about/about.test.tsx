import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { world } from "../../testing/host";
import { visit } from "../../testing/visit";

const formOf = (button: string) => within(screen.getByRole("button", { name: button }).closest("form") as HTMLFormElement);

const saved: Blob[] = [];
beforeEach(() => {
  saved.length = 0;
  // jsdom downloads nothing.
  URL.createObjectURL = (blob) => `blob:${String(saved.push(blob as Blob))}`;
  URL.revokeObjectURL = () => {};
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

test("a backup needs a passphrase worth the name, and is then a file", async () => {
  const { user } = await visit("/about");
  const form = formOf("Download a backup");
  await user.type(form.getByLabelText("Passphrase"), "too short");
  await user.click(form.getByRole("button", { name: "Download a backup" }));
  expect(form.getByLabelText("Passphrase").getAttribute("aria-invalid")).toBe("true");
  expect(world().asked.some(({ path }) => path.endsWith("/backup"))).toBe(false);
  await user.type(form.getByLabelText("Passphrase"), ", not any more");
  await user.click(form.getByRole("button", { name: "Download a backup" }));
  await screen.findByText(`The backup holds ${String(world().devices.length)} devices.`);
  expect(await saved[0]?.text()).toMatch(/^age-encryption/);
  expect((form.getByLabelText("Passphrase") as HTMLInputElement).value).toBe("");
});

test("a backup is put in place after the consequences were shown", async () => {
  const { user } = await visit("/about");
  const form = formOf("Restore");
  await user.click(form.getByRole("button", { name: "Restore" }));
  expect(form.getByText("Choose the file that was downloaded as a backup.")).toBeDefined();
  await user.upload(form.getByLabelText("Backup file"), new File(["age-encryption.org/v1"], "punktfunk-backup.age"));
  await user.type(form.getByLabelText("Passphrase"), "a long passphrase");
  await user.click(form.getByRole("button", { name: "Restore" }));
  expect(world().asked.some(({ path }) => path.endsWith("/restore"))).toBe(false);
  await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Restore" }));
  await screen.findByText(/^Read: 4 devices, written .*Restart to put it in place\.$/);
  const sent = world().asked.find(({ path }) => path.endsWith("/restore"))?.body as { file: string; passphrase: string };
  expect(atob(sent.file)).toBe("age-encryption.org/v1");
  expect(sent.passphrase).toBe("a long passphrase");
});

test("a new password is typed twice, and only then sent", async () => {
  const { user } = await visit("/about");
  const form = formOf("Change the password");
  await user.type(form.getByLabelText("New password"), "another long one");
  await user.type(form.getByLabelText("The same password again"), "something else");
  await user.click(form.getByRole("button", { name: "Change the password" }));
  expect(screen.getByText("The two passwords are not the same.")).toBeDefined();
  await user.clear(form.getByLabelText("The same password again"));
  await user.type(form.getByLabelText("The same password again"), "another long one");
  await user.click(form.getByRole("button", { name: "Change the password" }));
  await screen.findByText("The password is changed.");
  expect(world().password).toBe("another long one");
});

test("a change of identity is prepared, shown and only then made", async () => {
  const { user } = await visit("/about");
  await user.click(screen.getByRole("button", { name: "Prepare a new identity" }));
  await user.click(await screen.findByRole("button", { name: "Change over at the restart" }));
  const dialog = within(screen.getByRole("dialog"));
  expect(world().identity.after_restart).toBeNull();
  await user.click(dialog.getByRole("button", { name: "Change over at the restart" }));
  await screen.findByText("The identity changes at the next restart.");
  expect(world().identity.after_restart).toBe(world().identity.successor);
});

test("who logs out is asked for the password again", async () => {
  const { user, at } = await visit("/about");
  await user.click(screen.getByRole("button", { name: "Log out" }));
  await waitFor(() => expect(at()).toBe("/login"));
  expect(world().loggedIn).toBe(false);
});
