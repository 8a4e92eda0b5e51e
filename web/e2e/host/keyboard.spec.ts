// Everything by keyboard alone: from the claim code to a device that streams.

import type { Page } from "@playwright/test";
import { Host, until } from "./machine";
import { expect, PASSWORD, test } from "./people";
import { words } from "./words";

const t = words("en");

test.use({ locale: "en", ignoreHTTPSErrors: true });

test("the host is claimed, a device admitted, renamed and removed without a mouse", async ({ page }) => {
  const host = await Host.start();
  try {
    await withoutMouse(page, host);
  } finally {
    await host.stop();
  }
});

async function withoutMouse(page: Page, host: Host): Promise<void> {
  const type = (text: string) => page.keyboard.type(text);
  const press = (key: string) => page.keyboard.press(key);
  /** Tab until the focus is on what carries this name, as somebody does who cannot see the rest. */
  const tabTo = async (name: string | RegExp) => {
    for (let step = 0; step < 60; step += 1) {
      await press("Tab");
      const focused = await page.evaluate(() => {
        const on = document.activeElement;
        if (!on || on === document.body) return "";
        const labels = on instanceof HTMLInputElement ? [...(on.labels ?? [])].map((label) => label.textContent) : [];
        return [on?.getAttribute("aria-label"), ...labels, on?.textContent].find((text) => text?.trim()) ?? "";
      });
      if (typeof name === "string" ? focused.includes(name) : name.test(focused)) return;
    }
    throw new Error(`the focus never came to ${String(name)}`);
  };

  await page.goto(host.url);
  await expect(page.getByLabel(t("claim.code"))).toBeFocused();
  await type(await host.claimCode());
  await press("Tab");
  await type(PASSWORD);
  await tabTo(t("claim.repeat"));
  await type(PASSWORD);
  await press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: t("home.title.idle") })).toBeVisible();

  await tabTo(t("nav.pairing"));
  await press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: t("pairing.title") })).toBeVisible();
  const device = host.device("Couch").connect();
  await until("the host hears the knock", async () => ((await host.ctl("pending")).knocks as unknown[]).length > 0 || undefined);
  await tabTo(`${t("pairing.approve")}: Couch`);
  await press("Enter");
  await until("it streams", async () => ((await host.ctl("sessions", "list")).sessions as unknown[]).length > 0 || undefined);

  await tabTo(t("nav.devices"));
  await press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: t("devices.title") })).toBeVisible();
  await tabTo(`${t("devices.change")}: Couch`);
  await press("Enter");
  await expect(page.getByLabel(t("devices.name"), { exact: true })).toBeFocused();
  await press("ControlOrMeta+a");
  await type("Sofa");
  await press("Enter");
  await expect(page.getByText("Sofa").first()).toBeVisible();
  await tabTo(`${t("devices.remove")}: Sofa`);
  await press("Enter");
  await expect(page.getByRole("button", { name: t("app.cancel") })).toBeFocused();
  await tabTo(t("devices.revoke"));
  await tabTo(new RegExp(`^${t("devices.revoke")}$`));
  await press("Enter");
  await device.outcome;
  await expect(page.getByRole("heading", { name: "Sofa" })).toHaveCount(0);
}
