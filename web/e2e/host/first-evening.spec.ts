// A fresh host, its owner and the devices of the house: what the console is for, from the claim code to the last stream.

import { until } from "./machine";
import { answerTo, expect, go, logIn, PASSWORD, PEOPLE, picture, test, visit } from "./people";
import { words } from "./words";

for (const person of PEOPLE) {
  test.describe.serial(person.name, () => {
    test.use({ locale: person.language, ignoreHTTPSErrors: true });
    const t = words(person.language);

    test("the host is claimed with the code that it shows, and by nothing else", async ({ context, host }) => {
      if ((await host.ctl("claim")).state !== "unclaimed") await host.ctl("claim", "--reset");
      const { page } = await visit(context, host, person);
      await expect(page.getByRole("heading", { name: t("claim.title") })).toBeVisible();
      const claim = (code: string) =>
        answerTo(page, "/claim", async () => {
          await page.getByLabel(t("claim.code")).fill(code);
          await page.getByLabel(t("claim.password"), { exact: true }).fill(PASSWORD);
          await page.getByLabel(t("claim.repeat")).fill(PASSWORD);
          await page.getByRole("button", { name: t("claim.submit") }).click();
        });
      await picture(page, person, "claim");
      await claim("AAAA-AAAA-AAAA");
      await expect(page.getByText(t("problem.wrong"))).toBeVisible();
      const code = await host.claimCode();
      // After a wrong code the host wants a second of patience.
      await expect(async () => expect(await claim(code)).toBeLessThan(300)).toPass();
      await expect(page.getByRole("heading", { level: 1, name: t("home.title.idle") })).toBeVisible();
    });

    test("the owner logs out, mistypes the password and logs in", async ({ context, host }) => {
      const { page } = await visit(context, host, person);
      await page.getByLabel(t("app.password"), { exact: true }).fill("not this one, surely");
      await page.getByRole("button", { name: t("login.submit") }).click();
      await expect(page.getByText(t("problem.wrong"))).toBeVisible();
      await logIn(page, t);
      await go(page, t, "about");
      await page.getByRole("button", { name: t("about.logout") }).click();
      await expect(page.getByRole("heading", { name: t("login.title") })).toBeVisible();
    });

    test("a device that knocks appears within a second, and one click lets that very connection stream", async ({ context, host }) => {
      const { page } = await visit(context, host, person);
      await logIn(page, t);
      await go(page, t, "pairing");
      const device = host.device(`Living room ${person.language}`).connect();
      await until("the host hears the knock", async () => ((await host.ctl("pending")).knocks as unknown[]).length > 0 || undefined);
      const heard = Date.now();
      const approve = page.getByRole("button", { name: `${t("pairing.approve")}: ${device.name}` });
      await expect(approve).toBeVisible();
      console.log(`a knock was on the page ${String(Date.now() - heard)} ms after the host knew of it`);
      await picture(page, person, "knock");
      await approve.click();
      await go(page, t, "sessions");
      await expect(page.getByRole("heading", { name: device.name })).toBeVisible();
      await host.ctl("sessions", "list");

      // The graphs move: figures that are there change.
      const figures = page.getByRole("img");
      await expect(figures.first()).toBeVisible();
      const before = await figures.first().getAttribute("aria-label");
      await expect.poll(() => figures.first().getAttribute("aria-label")).not.toBe(before);

      // Rename and restrict it while it streams.
      await go(page, t, "devices");
      await page.getByRole("button", { name: `${t("devices.change")}: ${device.name}` }).click();
      await page.getByLabel(t("devices.name"), { exact: true }).fill("Big screen");
      await page.getByLabel(t("access.view-only"), { exact: false }).check();
      await page.getByLabel(t("expiry.label")).selectOption("2h");
      await picture(page, person, "guest");
      await page.getByRole("button", { name: t("app.save") }).click();
      await expect(page.getByText("Big screen").first()).toBeVisible();
      await expect(page.getByText(t("access.view-only")).first()).toBeVisible();
      const stored = (await host.ctl("devices", "list")).devices as { name: string; access: string; expires_unix?: number }[];
      const changed = stored.find((one) => one.name === "Big screen");
      expect(changed?.access).toBe("view-only");
      expect((changed?.expires_unix ?? 0) - Date.now() / 1000).toBeGreaterThan(7_000);

      // Remove it, and its stream ends at once.
      await page.getByRole("button", { name: `${t("devices.remove")}: Big screen` }).click();
      await page.getByLabel(t("devices.forget"), { exact: false }).check();
      await page.getByRole("button", { name: t("devices.forget"), exact: true }).click();
      const outcome = await device.outcome;
      expect(outcome.answer.counts?.frames_received ?? 0, outcome.said).toBeGreaterThan(10);
      await expect(page.getByText("Big screen", { exact: true })).toHaveCount(0);
    });

    test("a PIN from the page pairs a device, whose time runs out while it streams", async ({ context, host }) => {
      const { page } = await visit(context, host, person);
      await logIn(page, t);
      await go(page, t, "pairing");
      await page.getByRole("button", { name: t("pairing.arm"), exact: true }).click();
      const digits = page.locator(".pin");
      await expect(digits).toBeVisible();
      const pin = (await digits.getAttribute("aria-label"))?.replaceAll(" ", "") ?? "";
      expect(pin).toMatch(/^\d{4}$/);
      await picture(page, person, "pin");
      const device = host.device(`Kitchen ${person.language}`);
      const paired = await device.pair(pin).outcome;
      expect(paired.exit, paired.said).toBe(0);
      await expect(digits).toHaveCount(0);
      device.connect();
      await go(page, t, "sessions");
      await expect(page.getByRole("heading", { name: device.name })).toBeVisible();
      const devices = (await host.ctl("devices", "list")).devices as { name: string; fingerprint: string }[];
      const fingerprint = devices.find((one) => one.name === device.name)?.fingerprint ?? "";
      await host.ctl("devices", "access", fingerprint, "--expires", "3s");
      await device.outcome;
      await expect(page.getByText(t("sessions.none"))).toBeVisible();
      await expect(page.getByRole("cell", { name: device.name })).toBeVisible();
    });

    test("a link is shown as a picture", async ({ context, host }) => {
      const { page } = await visit(context, host, person);
      await logIn(page, t);
      await go(page, t, "pairing");
      await page.getByRole("button", { name: t("pairing.armLink") }).click();
      await expect(page.getByRole("img", { name: t("pairing.qr") })).toBeVisible();
      await page.getByRole("button", { name: t("pairing.disarm") }).click();
      await expect(page.getByRole("img", { name: t("pairing.qr") })).toHaveCount(0);
    });

    test("a setting survives a restart, and a locked one says where it is declared", async ({ context, host }) => {
      const { page } = await visit(context, host, person);
      await logIn(page, t);
      await go(page, t, "settings");
      await expect(page.getByText(/punktfunk\.toml:\d+/).first()).toBeVisible();
      const name = `Den ${person.language}`;
      const field = page.getByRole("textbox", { name: "host.name" });
      await field.fill(name);
      await page.getByRole("button", { name: t("app.save") }).click();
      await page.getByRole("button", { name: t("restart.do") }).first().click();
      await page.getByRole("dialog").getByRole("button", { name: t("restart.do") }).click();
      await until("the host has restarted", async () => {
        const status = await host.ctl("status").catch(() => undefined);
        return status?.name === name || undefined;
      });
      await expect(page.getByText(t("restart.back"))).toBeVisible();
    });

    test("the logs and the audit log tell what happened", async ({ context, host }) => {
      const { page } = await visit(context, host, person);
      await logIn(page, t);
      await go(page, t, "audit");
      await expect(page.getByText(t("event.paired")).first()).toBeVisible();
      await expect(page.getByText(t("audit.sound"))).toBeVisible();
      await go(page, t, "diagnostics");
      await expect(page.getByText(t("diagnostics.log"), { exact: true }).first()).toBeVisible();
      await page.getByRole("button", { name: t("diagnostics.run") }).click();
      await expect(page.getByText(t("check.passed")).first()).toBeVisible({ timeout: 30_000 });
    });
  });
}
