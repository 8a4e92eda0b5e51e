import type { components } from "./generated/schema";

export type ProblemBody = components["schemas"]["Problem"];
export type ProblemCode = ProblemBody["code"];
type SettingProblem = components["schemas"]["SettingProblem"];

/** The host answered, and what was asked was not carried out. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: ProblemCode,
    detail: string,
    readonly retryAfterSeconds?: number,
    readonly problems: readonly SettingProblem[] = [],
  ) {
    super(detail);
    this.name = "Problem";
  }
}

/** No answer came: the host is away, or the network is. */
export class Unreachable extends Error {
  constructor() {
    super("no answer");
    this.name = "Unreachable";
  }
}

/** What a body that may be a problem says; a body that is none is a fault of the host. */
export function problemOf(status: number, body: unknown): Problem {
  if (!isProblem(body)) return new Problem(status, "internal", `status ${status}`);
  return new Problem(status, body.code, body.detail, body.retry_after_seconds ?? undefined, body.problems ?? []);
}

function isProblem(body: unknown): body is ProblemBody {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}
