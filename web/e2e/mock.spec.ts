import { expect, test } from "@playwright/test";
import { LOOKS, MOCK, complaintsOf, isSound, logIn, named } from "./console";

test.skip(!MOCK, "needs the mock host");

for (const look of LOOKS.slice(0, 3)) {
  test(`claim, empty pages and dialogs are sound: ${look.width} px, ${look.theme}`, async ({ browser }) => {
    const context = await browser.newContext({ viewport: { width: look.width, height: 844 }, colorScheme: look.theme, locale: look.language, reducedMotion: "reduce" });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    const shoot = async (name: string, fullPage = true) => {
      await isSound(page, complaints);
      await page.screenshot({ path: `e2e/screenshots/${named(`/${name}`, look)}.png`, fullPage });
    };
    await page.request.post("/mock/scene/unclaimed");
    await page.goto("/");
    await page.getByLabel("Claim code").waitFor();
    await shoot("claim");
    await page.request.post("/mock/scene/empty");
    await logIn(page);
    await shoot("home-empty");
    for (const empty of ["devices", "sessions", "pairing"]) {
      await page.goto(`/${empty}`);
      await page.locator(".shell h1").waitFor();
      await shoot(`${empty}-empty`);
    }
    await page.request.post("/mock/scene/busy");
    await logIn(page, "/pairing");
    await page.getByRole("button", { name: "Options: Pixel 9" }).click();
    await shoot("pairing-options", false);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Show a PIN" }).click();
    await page.locator(".pin").waitFor();
    await shoot("pairing-pin");
    await page.getByRole("button", { name: "Close it" }).click();
    await page.getByRole("button", { name: "Show a link" }).click();
    await page.locator(".qr").waitFor();
    await shoot("pairing-link");
    await page.request.post("/mock/stale");
    await page.getByRole("button", { name: "Approve: Pixel 9" }).click();
    await page.getByRole("dialog").waitFor();
    await shoot("password", false);
    await page.keyboard.press("Escape");
    await page.goto("/devices");
    await page.getByRole("button", { name: "Remove: Steam Deck" }).click();
    await shoot("devices-remove", false);
    await context.close();
  });
}

test("a device that knocks is on the page within a second", async ({ page }) => {
  await page.request.post("/mock/scene/empty");
  await logIn(page, "/pairing");
  await page.waitForTimeout(500);
  await page.request.post("/mock/knock/Handheld");
  await expect(page.getByRole("button", { name: "Approve: Handheld" })).toBeVisible({ timeout: 1_000 });
});

test("everything is reached by keyboard: skip link, pages, a dialog and back", async ({ page }) => {
  await page.request.post("/mock/scene/busy");
  await logIn(page);
  await page.goto("/");
  await page.locator(".shell h1").waitFor();
  await page.keyboard.press("Tab");
  await expect(page.locator(".skip")).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(page.locator("main :focus")).toHaveCount(1);
  await page.goto("/devices");
  await page.locator(".shell h1").waitFor();
  const change = page.getByRole("button", { name: "Change: Steam Deck" });
  await change.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByLabel("Name")).toBeFocused();
  for (let press = 0; press < 14; press += 1) {
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement === document.body || document.querySelector("dialog")?.contains(document.activeElement))).toBe(true);
  }
  await page.keyboard.press("Escape");
  await expect(change).toBeFocused();
});
