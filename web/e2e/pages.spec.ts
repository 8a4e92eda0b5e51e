import { expect, test } from "@playwright/test";
import { LOOKS, MOCK, PAGES, complaintsOf, isSound, logIn, named } from "./console";

for (const look of LOOKS) {
  test(`every page is sound and looked at: ${look.width} px, ${look.theme}, ${look.language}`, async ({ browser }) => {
    const context = await browser.newContext({
      viewport: { width: look.width, height: look.width < 600 ? 844 : 860 },
      colorScheme: look.theme,
      locale: look.language,
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    if (MOCK) {
      await page.request.post("/mock/scene/busy");
      await page.goto("/login");
      await page.locator("h1").waitFor();
      await isSound(page, complaints);
      await page.screenshot({ path: `e2e/screenshots/${named("/login", look)}.png` });
    }
    await logIn(page);
    for (const path of PAGES) {
      await page.goto(path);
      await page.locator(".shell h1").waitFor();
      await page.waitForLoadState("load");
      await expect(page.locator("html")).toHaveAttribute("lang", look.language);
      await page.waitForTimeout(300); // Figures of the first second; a picture, not a promise.
      await isSound(page, complaints);
      await page.screenshot({ path: `e2e/screenshots/${named(path, look)}.png`, fullPage: true });
    }
    await context.close();
  });
}
