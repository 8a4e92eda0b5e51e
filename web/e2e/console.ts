import AxeBuilder from "@axe-core/playwright";
import { type Page, expect } from "@playwright/test";

/** Whether the mock host is behind the pages: it can be set to a scene. */
export const MOCK = !process.env.CONSOLE_URL;
export const PASSWORD = process.env.CONSOLE_PASSWORD ?? "correct horse battery";

export const PAGES = ["/", "/pairing", "/devices", "/sessions", "/settings", "/diagnostics", "/audit", "/about"] as const;

export type Look = { theme: "light" | "dark"; language: "en" | "de"; width: number };
export const LOOKS: readonly Look[] = [
  { theme: "light", language: "en", width: 1280 },
  { theme: "dark", language: "en", width: 1280 },
  { theme: "light", language: "en", width: 390 },
  { theme: "dark", language: "de", width: 390 },
  { theme: "light", language: "de", width: 1280 },
];

export const named = (path: string, { theme, language, width }: Look) => `${path.slice(1) || "home"}-${width < 600 ? "phone" : "desktop"}-${theme}-${language}`;

export async function logIn(page: Page, to = "/") {
  await page.goto(to);
  const password = page.locator('input[autocomplete="current-password"]');
  await password.or(page.locator("nav").first()).first().waitFor();
  if (await password.isVisible()) {
    await password.fill(PASSWORD);
    await password.press("Enter");
  }
  await page.locator(".shell h1").waitFor();
}

/** No violation, nothing wider than the window, nothing the Content-Security-Policy refused. */
export async function isSound(page: Page, complaints: readonly string[]) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 140)} ${(node.any[0]?.message ?? "").slice(0, 160)}`));
  expect.soft(told).toEqual([]);
  expect.soft(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), "wider than the window").toBeLessThanOrEqual(0);
  expect.soft(complaints).toEqual([]);
}

/** What the browser complains about, and requests that leave the origin; the list grows as they happen. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    // The refusal that leads to the login is no fault.
    if (message.type() === "error" && !/status of 40[13]/.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const own = new URL(page.url() === "about:blank" ? request.url() : page.url()).origin;
    if (new URL(request.url()).origin !== own && !request.url().startsWith("blob:")) complaints.push(`leaves the host: ${request.url()}`);
  });
  return complaints;
}
