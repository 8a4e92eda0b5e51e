import { queryOptions } from "@tanstack/react-query";
import { api, ask } from "./client";
import type { AuditRow, LogLevel } from "./model";

export const login = queryOptions({ queryKey: ["login"], queryFn: () => ask(api.GET("/api/v1/login")), retry: false });
export const health = queryOptions({
  queryKey: ["health"],
  queryFn: async () => {
    const answer = await api.GET("/api/v1/health");
    const body = answer.data ?? answer.error;
    return body && "faults" in body ? body : ask(Promise.resolve(answer));
  },
});
export const overview = queryOptions({ queryKey: ["overview"], queryFn: () => ask(api.GET("/api/v1/overview")) });
export const pinWindow = queryOptions({ queryKey: ["pairing"], queryFn: () => ask(api.GET("/api/v1/pairing")) });
export const moonlights = queryOptions({ queryKey: ["pairing", "moonlight"], queryFn: () => ask(api.GET("/api/v1/pairing/moonlight")) });
export const pending = queryOptions({ queryKey: ["pending"], queryFn: () => ask(api.GET("/api/v1/pending")) });
export const devices = queryOptions({ queryKey: ["devices"], queryFn: () => ask(api.GET("/api/v1/devices")) });
export const sessions = queryOptions({ queryKey: ["sessions", "live"], queryFn: () => ask(api.GET("/api/v1/sessions")) });
export const history = queryOptions({
  queryKey: ["sessions", "history"],
  queryFn: () => ask(api.GET("/api/v1/sessions/history")),
});
export const samples = (id: number) =>
  queryOptions({
    queryKey: ["samples", id],
    queryFn: () => ask(api.GET("/api/v1/sessions/{id}/samples", { params: { path: { id } } })),
  });
export const settings = queryOptions({ queryKey: ["settings"], queryFn: () => ask(api.GET("/api/v1/settings")) });
export const probes = queryOptions({ queryKey: ["probes"], queryFn: () => ask(api.GET("/api/v1/probes")) });
export const doctor = queryOptions({ queryKey: ["doctor"], queryFn: () => ask(api.GET("/api/v1/doctor")) });
export const logs = (level: LogLevel, contains: string) =>
  queryOptions({
    queryKey: ["logs", level, contains],
    queryFn: () =>
      ask(api.GET("/api/v1/logs", { params: { query: { level, limit: 500, ...(contains ? { contains } : {}) } } })),
  });
/** The newest rows, or those before `before`. */
export const audit = (before: number | undefined) =>
  queryOptions({
    queryKey: ["audit", before ?? "newest"],
    queryFn: async () => {
      const page = await ask(api.GET("/api/v1/audit", { params: { query: { limit: 50, ...(before ? { before } : {}) } } }));
      return page.rows as unknown as AuditRow[];
    },
  });
export const verdict = queryOptions({ queryKey: ["audit", "verdict"], queryFn: () => ask(api.GET("/api/v1/audit/verdict")) });
/** Null where the system has no update service. Asked again and again while something is under way. */
export const update = queryOptions({
  queryKey: ["update"],
  queryFn: () => ask(api.GET("/api/v1/update")),
  refetchInterval: ({ state }) => (state.data?.work ? 2_000 : false),
});
export const identity = queryOptions({ queryKey: ["identity"], queryFn: () => ask(api.GET("/api/v1/identity")) });
