import createClient from "openapi-fetch";
import { provePassword } from "./password";
import type { paths } from "./generated/schema";
import { Problem, Unreachable, problemOf } from "./problem";
import { reachability } from "./reachability";

/**
 * Sends a request. Where the host wants the password again, the dialog asks for it and the same request is sent once
 * more; giving up leaves the refusal as the answer.
 */
async function send(request: Request): Promise<Response> {
  const again = request.clone();
  const answer = await reach(request);
  if (answer.status !== 403) return answer;
  const problem: unknown = await answer.clone().json().catch(() => null);
  if (problemOf(403, problem).code !== "password_needed") return answer;
  return (await provePassword()) ? reach(again) : answer;
}

async function reach(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request);
    reachability.answered();
    return answer;
  } catch (error) {
    if (request.signal.aborted) throw error;
    reachability.silent();
    throw new Unreachable();
  }
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer, or the problem as an exception. */
export async function ask<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw problemOf(response.status, error);
  return data as T;
}

/** Whether an error is this problem. */
export const isProblem = (error: unknown, code: Problem["code"]) => error instanceof Problem && error.code === code;
