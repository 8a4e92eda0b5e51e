// What an open console costs the host while nothing happens.

import { readFileSync } from "node:fs";
import type { Host } from "./machine";
import { expect, logIn, PASSWORD, test } from "./people";
import { words } from "./words";

/** Processor time of a process so far, in seconds. */
function used(host: Host): number {
  const fields = readFileSync(`/proc/${String(host.pid)}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const SECONDS = 20;

test("an open console costs an idle host less than half a percent of a core", async ({ browser, host }) => {
  if ((await host.ctl("claim")).state === "unclaimed") await host.claim(PASSWORD);
  test.skip(((await host.ctl("sessions", "list")).sessions as unknown[]).length > 0, "a device streams");
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en" });
  const page = await context.newPage();
  await page.goto(host.url);
  await logIn(page, words("en"));
  await page.waitForTimeout(2_000);
  const before = used(host);
  await page.waitForTimeout(SECONDS * 1_000);
  const share = (100 * (used(host) - before)) / SECONDS;
  console.log(`an open console costs ${share.toFixed(2)} % of a core`);
  expect(share).toBeLessThan(0.5);
  await context.close();
});
