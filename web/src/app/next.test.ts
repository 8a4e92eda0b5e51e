import { expect, test } from "vitest";
import { safeNext } from "./next";

const ORIGIN = "https://host.lan:47990";

test.each([
  "//evil.example",
  "///evil.example",
  "/\\evil.example",
  "\\/evil.example",
  "\\\\evil.example",
  "/\t/evil.example",
  "\t//evil.example",
  "/\n/evil.example",
  "/\r/evil.example",
  " //evil.example",
  "/ /evil.example",
  decodeURIComponent("/%09/evil.example"),
  decodeURIComponent("/%5Cevil.example"),
  "/./\\evil.example",
  "/.//evil.example",
  "/..//evil.example",
  "https://evil.example/",
  "https:evil.example",
  "javascript:alert(1)",
  "data:text/html,x",
  "https://host.lan:47990@evil.example/",
  "@evil.example",
  ".evil.example",
  "",
  undefined,
  7,
  ["/devices"],
])("a login never leads to %j", (next) => {
  expect(safeNext(next, ORIGIN)).toBe("/");
});

test.each(["/", "/devices", "/sessions?show=history", "/settings#log", "/%2F/evil"])("a login leads on to %s", (next) => {
  expect(safeNext(next, ORIGIN)).toBe(next);
});

test("a login does not lead back to itself", () => {
  expect(safeNext("/login?next=/devices", ORIGIN)).toBe("/");
});
