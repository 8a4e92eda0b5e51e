import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { getResponse } from "msw";
import type { Plugin } from "vite";
import { handlers } from "./handlers.ts";
import { type Scene, aKnock, makeWorld } from "./world.ts";

/** What the host sends with every page. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** Serves the mock host beside the pages. `POST /mock/scene/NAME` starts anew, `POST /mock/knock/NAME` has a device knock. */
export function mockHost(): Plugin {
  let world = makeWorld();
  const routes = handlers(() => world);
  const control = (path: string) => {
    const [, , what, name = ""] = path.split("/");
    if (what === "scene") world = makeWorld(name as Scene);
    if (what === "stale") world.fresh = false;
    if (what === "knock") {
      world.knocks = [...world.knocks, aKnock(Date.now() % 1_000_000, decodeURIComponent(name))];
      world.tell({ event: "changed", data: { topic: "pending" } });
    }
  };
  const serve = async (request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const path = request.url ?? "/";
    if (path.startsWith("/mock/")) {
      control(path);
      response.writeHead(204).end();
      return;
    }
    if (!path.startsWith("/api/")) return next();
    const answer = await getResponse(routes, await toRequest(request));
    response.writeHead(answer?.status ?? 404, Object.fromEntries(answer?.headers ?? []));
    if (!answer?.body) return void response.end();
    const body = Readable.fromWeb(answer.body as never);
    response.on("close", () => body.destroy());
    body.on("error", () => response.end()).pipe(response);
  };
  return {
    name: "mock-host",
    configureServer: (server) => void server.middlewares.use((request, response, next) => void serve(request, response, next)),
    configurePreviewServer: (server) =>
      void server.middlewares.use((request, response, next) => {
        for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
        void serve(request, response, next);
      }),
  };
}

async function toRequest(request: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = chunks.length > 0 ? Buffer.concat(chunks) : null;
  return new Request(`http://localhost${request.url ?? "/"}`, { method: request.method ?? "GET", headers: { "content-type": request.headers["content-type"] ?? "" }, body });
}
