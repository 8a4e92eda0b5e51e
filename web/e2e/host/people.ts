// Who uses the console, and on what.

import { test as base, expect, type BrowserContext, type Page } from "@playwright/test";
import { Host } from "./machine";
import { words, type Language, type Words } from "./words";

export const PASSWORD = "a few words to remember";

/** A person with a browser, a language and a screen. */
export interface Person {
  name: string;
  language: Language;
  screen: { width: number; height: number };
}

export const PEOPLE: Person[] = [
  { name: "at a desk, in English", language: "en", screen: { width: 1280, height: 800 } },
  { name: "with a phone, in German", language: "de", screen: { width: 390, height: 844 } },
];

export { expect };

/** A host of their own for each file of tests. */
export const test = base.extend<object, { host: Host }>({
  host: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the names of fixtures from this pattern.
    async ({}, use) => {
      const host = await Host.start();
      await use(host);
      await host.stop();
    },
    { scope: "worker" },
  ],
});

/** Opens the console as this person does. */
export async function visit(context: BrowserContext, host: Host, person: Person): Promise<{ page: Page; t: Words }> {
  const page = await context.newPage();
  await page.setViewportSize(person.screen);
  await page.goto(host.url);
  return { page, t: words(person.language) };
}

/** A picture for the documentation, of what this person sees at this moment. */
export async function picture(page: Page, person: Person, of: string): Promise<void> {
  const screen = person.screen.width < 600 ? "phone" : "desktop";
  await page.screenshot({ path: `e2e/screenshots/host/${of}-${screen}-light-${person.language}.png` });
}

/** Fills a form, sends it and returns the status of the host's answer to it. */
export async function answerTo(page: Page, path: string, fillAndSend: () => Promise<void>): Promise<number> {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === "POST" && response.url().endsWith(path)),
    fillAndSend(),
  ]);
  return answer.status();
}

export async function logIn(page: Page, t: Words, password = PASSWORD): Promise<void> {
  // After a wrong password the host wants a second of patience.
  await expect(async () => {
    const status = await answerTo(page, "/login", async () => {
      await page.getByLabel(t("app.password"), { exact: true }).fill(password);
      await page.getByRole("button", { name: t("login.submit") }).click();
    });
    expect(status).toBeLessThan(300);
  }).toPass();
  await expect(page.getByRole("heading", { name: t("login.title") })).toBeHidden();
}

/** Goes to a page by the navigation, wherever that is on this screen. */
export async function go(page: Page, t: Words, to: "pairing" | "devices" | "sessions" | "settings" | "diagnostics" | "audit" | "about"): Promise<void> {
  const link = page.getByRole("link", { name: t(`nav.${to}`) }).first();
  const more = page.getByRole("button", { name: t("app.more") });
  if (!(await link.isVisible())) await more.click();
  await link.click();
  await expect(page.getByRole("heading", { level: 1, name: t(`${to}.title`) })).toBeVisible();
}
