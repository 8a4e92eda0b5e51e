// Every page of a real host that streams and is knocked at: sound for everybody, and looked at.

import { complaintsOf, isSound, LOOKS, named, PAGES } from "../console";
import { until, type Host } from "./machine";
import { expect, logIn, PASSWORD, test } from "./people";
import { words } from "./words";

/** A device that streams and one that waits at the door. */
async function busy(host: Host): Promise<void> {
  if ((await host.ctl("claim")).state !== "unclaimed") return;
  await host.claim(PASSWORD);
  const { pin } = await host.ctl("pair", "arm");
  const living = host.device("Living room");
  expect((await living.pair(String(pin)).outcome).exit).toBe(0);
  living.connect(600);
  host.device("Anna's phone").connect(600);
  await until("one streams and one knocks", async () => {
    const sessions = (await host.ctl("sessions", "list")).sessions as { frames_sent: number }[];
    const knocks = (await host.ctl("pending")).knocks as unknown[];
    return (sessions[0]?.frames_sent ?? 0) > 90 && knocks.length > 0 ? true : undefined;
  });
}

for (const look of LOOKS) {
  test(`every page is sound: ${String(look.width)} px, ${look.theme}, ${look.language}`, async ({ browser, host }) => {
    await busy(host);
    const context = await browser.newContext({
      viewport: { width: look.width, height: look.width < 600 ? 844 : 860 },
      colorScheme: look.theme,
      locale: look.language,
      reducedMotion: "reduce",
      ignoreHTTPSErrors: true,
    });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${host.url}/login`);
    await page.locator("h1").waitFor();
    await isSound(page, complaints);
    await logIn(page, words(look.language));
    for (const path of PAGES) {
      await page.goto(host.url + path);
      await page.locator(".shell h1").waitFor();
      await expect(page.locator("html")).toHaveAttribute("lang", look.language);
      if (path === "/sessions") await page.waitForTimeout(3_000); // A few seconds to draw; a picture, not a promise.
      await isSound(page, complaints);
      await page.screenshot({ path: `e2e/screenshots/host/${named(path, look)}.png`, fullPage: true });
    }
    await context.close();
  });
}

test("the first page is light: bytes, requests, long tasks", async ({ browser, host }) => {
  await busy(host);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send("Network.enable");
  let bytes = 0;
  let requests = 0;
  network.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    requests += 1;
  });
  await page.addInitScript(() => {
    const tasks: number[] = ((window as unknown as { tasks: number[] }).tasks = []);
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => tasks.push(entry.duration))).observe({ type: "longtask", buffered: true });
  });
  await page.goto(host.url);
  await page.getByRole("button", { name: words("en")("login.submit") }).waitFor();
  await page.waitForTimeout(1_000);
  const longest = await page.evaluate(() => Math.max(0, ...(window as unknown as { tasks: number[] }).tasks));
  console.log(`first page: ${String(Math.round(bytes / 1024))} KiB in ${String(requests)} requests, longest task ${String(Math.round(longest))} ms`);
  expect(bytes).toBeLessThan(200 * 1024);
  expect(requests).toBeLessThanOrEqual(16);
  expect(longest).toBeLessThanOrEqual(200);
  await context.close();
});
