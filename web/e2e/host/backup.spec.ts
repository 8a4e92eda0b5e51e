// The machine is lost: a backup from one host makes another one the same to every device.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Host, until } from "./machine";
import { expect, go, logIn, PASSWORD, picture, test, visit, type Person } from "./people";
import { words } from "./words";

const PASSPHRASE = "correct horse battery";
const NEW_PASSWORD = "other words to remember";
const OWNER: Person = { name: "the owner", language: "en", screen: { width: 1280, height: 800 } };
const t = words("en");

test.use({ locale: "en", ignoreHTTPSErrors: true });

test("a backup from the page makes a new host the old one, to its owner and to its devices", async ({ context, host }) => {
  await host.claim(PASSWORD);
  const { pin } = await host.ctl("pair", "arm");
  const device = host.device("Living room");
  expect((await device.pair(String(pin)).outcome).exit).toBe(0);

  const { page } = await visit(context, host, OWNER);
  await logIn(page, t);
  await go(page, t, "about");
  const form = page.locator("form").filter({ has: page.getByRole("button", { name: t("about.backupDo") }) });
  await form.getByLabel(t("about.passphrase")).fill("too short");
  await form.getByRole("button", { name: t("about.backupDo") }).click();
  await expect(form.getByLabel(t("about.passphrase"))).toHaveAttribute("aria-invalid", "true");
  await form.getByLabel(t("about.passphrase")).fill(PASSPHRASE);
  const [download] = await Promise.all([page.waitForEvent("download"), form.getByRole("button", { name: t("about.backupDo") }).click()]);
  const file = join(host.dir, download.suggestedFilename());
  await download.saveAs(file);
  expect(readFileSync(file, "latin1")).toMatch(/^age-encryption\.org\/v1/);
  expect(readFileSync(file, "latin1")).not.toContain("Living room");
  await page.close();

  const next = await Host.start();
  try {
    await next.claim(NEW_PASSWORD);
    const there = await visit(context, next, OWNER);
    await logIn(there.page, t, NEW_PASSWORD);
    await go(there.page, t, "about");
    const restore = there.page.locator("form").filter({ has: there.page.getByRole("button", { name: t("about.restoreDo") }) });
    const put = async (passphrase: string) => {
      await restore.getByLabel(t("about.restoreFile")).setInputFiles(file);
      await restore.getByLabel(t("about.passphrase")).fill(passphrase);
      await restore.getByRole("button", { name: t("about.restoreDo") }).click();
      const yes = there.page.getByRole("dialog").getByRole("button", { name: t("about.restoreDo") });
      await expect(yes).toBeVisible();
      if (passphrase !== PASSPHRASE) await picture(there.page, OWNER, "restore");
      await yes.click();
    };
    await put("not the passphrase");
    await expect(there.page.getByRole("alert").first()).toBeVisible();
    expect((await next.ctl("devices", "list")).devices).toEqual([]);

    await put(PASSPHRASE);
    await there.page.getByRole("button", { name: t("restart.do") }).first().click();
    await there.page.getByRole("dialog").getByRole("button", { name: t("restart.do") }).click();
    await until("the new host is the old one", async () => {
      const status = await next.ctl("status").catch(() => undefined);
      return status?.fingerprint === host.fingerprint || undefined;
    });
    const devices = (await next.ctl("devices", "list")).devices as { name: string }[];
    expect(devices.map(({ name }) => name)).toEqual(["Living room"]);
    // Its owner there is who they were.
    await there.page.goto(next.url);
    await logIn(there.page, t, NEW_PASSWORD);
    // The device knows the key it pinned, and nobody asks for a PIN.
    const again = await device.at(next).connect(2).outcome;
    expect(again.answer.counts?.frames_received ?? 0, again.said).toBeGreaterThan(10);
  } finally {
    await next.stop();
  }
});
