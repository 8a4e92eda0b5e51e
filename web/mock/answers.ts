import { HttpResponse } from "msw";
import type { components } from "../src/api/generated/schema.ts";

type Schemas = components["schemas"];
export type Code = Schemas["ProblemCode"];

const STATUS: Partial<Record<Code, number>> = { not_authenticated: 401, wrong: 401, password_needed: 403, unclaimed: 403, wrong_origin: 403, claimed: 409, not_found: 404, invalid: 422, too_many: 429, refused: 409, busy: 503 };

/** A refusal as the host writes it. */
export function problem(code: Code, more: Partial<Schemas["Problem"]> = {}) {
  const status = STATUS[code] ?? 500;
  const body: Schemas["Problem"] = { type: "about:blank", title: code, status, detail: `mock: ${code}`, code, ...more };
  return HttpResponse.json(body, { status, headers: { "content-type": "application/problem+json" } });
}

/** An answer of a named schema. */
export const json = <Name extends keyof Schemas>(_schema: Name, body: Schemas[Name]) => HttpResponse.json(body as never);
/** A list of a named schema. */
export const list = <Name extends keyof Schemas>(_schema: Name, body: readonly Schemas[Name][]) => HttpResponse.json(body as never);
/** JSON null, where there is nothing. */
export const nothing = () => HttpResponse.json(null);
export const done = (status = 204) => new HttpResponse(null, { status });
