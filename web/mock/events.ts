import { HttpResponse } from "msw";
import { sampleAt } from "./samples.ts";
import type { World } from "./world.ts";

/** The event stream: what the world tells, and a second of every session each second. */
export function events(world: World, withLogs: boolean): Response {
  const encoder = new TextEncoder();
  let stop = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(stream) {
      const send = (event: string, data: unknown) => {
        try {
          stream.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
        } catch {
          stop();
        }
      };
      stream.enqueue(encoder.encode(": hello\n\n"));
      const forget = world.listen(({ event, data }) => (event !== "log" || withLogs) && send(event, data));
      const timer = setInterval(() => {
        const now = Math.floor(Date.now() / 1_000) * 1_000;
        if (world.sessions.length > 0) send("samples", world.sessions.map(({ id }) => sampleAt(id, now)));
      }, 1_000);
      stop = () => {
        forget();
        clearInterval(timer);
      };
    },
    cancel: () => stop(),
  });
  return new HttpResponse(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}
