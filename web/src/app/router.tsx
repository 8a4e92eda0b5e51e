import { type QueryClient } from "@tanstack/react-query";
import { Outlet, type RouterHistory, createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { isProblem } from "../api/client";
import * as ask from "../api/queries";
import { NoSuchPage, PageFault } from "./Faults";
import { safeNext } from "./next";
import { PasswordDialog } from "./PasswordDialog";
import { turnsAway } from "./queries";
import { Shell } from "./Shell";
import { Toasts } from "./Toasts";

interface Context {
  queries: QueryClient;
}

const root = createRootRouteWithContext<Context>()({
  component: () => (
    <>
      <Outlet />
      <PasswordDialog />
      <Toasts />
    </>
  ),
  notFoundComponent: NoSuchPage,
});

const claim = createRoute({
  getParentRoute: () => root,
  path: "/claim",
  loader: async ({ context: { queries } }) => {
    const health = await queries.fetchQuery(ask.health);
    if (health.administrator !== "unclaimed") throw redirect({ to: "/login" });
  },
  component: lazyRouteComponent(() => import("../features/claim/ClaimPage"), "ClaimPage"),
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search): { next?: string } => {
    const next = safeNext(search.next);
    return next === "/" ? {} : { next };
  },
  component: lazyRouteComponent(() => import("../features/login/LoginPage"), "LoginPage"),
});

/** Everything that needs a login: without one it leads to it, and back afterwards. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  beforeLoad: async ({ context: { queries }, location }) => {
    try {
      await queries.ensureQueryData(ask.login);
    } catch (error) {
      if (isProblem(error, "unclaimed")) throw redirect({ to: "/claim" });
      if (turnsAway(error)) throw redirect({ to: "/login", search: location.href === "/" ? {} : { next: location.href } });
      throw error;
    }
  },
  component: Shell,
});

const under = { getParentRoute: () => inside } as const;

const routes = [
  createRoute({
    ...under,
    path: "/",
    loader: ({ context: { queries: q } }) => Promise.all([ask.overview, ask.health, ask.sessions, ask.pending].map((one) => q.ensureQueryData(one as never))),
    component: lazyRouteComponent(() => import("../features/home/HomePage"), "HomePage"),
  }),
  createRoute({
    ...under,
    path: "/pairing",
    loader: ({ context: { queries: q } }) => Promise.all([ask.overview, ask.pending, ask.pinWindow, ask.moonlights].map((one) => q.ensureQueryData(one as never))),
    component: lazyRouteComponent(() => import("../features/pairing/PairingPage"), "PairingPage"),
  }),
  createRoute({
    ...under,
    path: "/devices",
    loader: ({ context: { queries: q } }) => q.ensureQueryData(ask.devices),
    component: lazyRouteComponent(() => import("../features/devices/DevicesPage"), "DevicesPage"),
  }),
  createRoute({
    ...under,
    path: "/sessions",
    loader: ({ context: { queries: q } }) => Promise.all([ask.sessions, ask.history].map((one) => q.ensureQueryData(one as never))),
    component: lazyRouteComponent(() => import("../features/sessions/SessionsPage"), "SessionsPage"),
  }),
  createRoute({
    ...under,
    path: "/settings",
    loader: ({ context: { queries: q } }) => q.ensureQueryData(ask.settings),
    component: lazyRouteComponent(() => import("../features/settings/SettingsPage"), "SettingsPage"),
  }),
  createRoute({
    ...under,
    path: "/diagnostics",
    loader: ({ context: { queries: q } }) => Promise.all([ask.health, ask.doctor, ask.probes].map((one) => q.ensureQueryData(one as never))),
    component: lazyRouteComponent(() => import("../features/diagnostics/DiagnosticsPage"), "DiagnosticsPage"),
  }),
  createRoute({
    ...under,
    path: "/audit",
    validateSearch: (search): { before?: number } => (Number.isSafeInteger(search.before) ? { before: search.before as number } : {}),
    loaderDeps: ({ search }) => search,
    loader: ({ context: { queries: q }, deps }) => q.ensureQueryData(ask.audit(deps.before)),
    component: lazyRouteComponent(() => import("../features/audit/AuditPage"), "AuditPage"),
  }),
  createRoute({
    ...under,
    path: "/about",
    loader: ({ context: { queries: q } }) => Promise.all([ask.overview, ask.identity, ask.update].map((one) => q.ensureQueryData(one as never))),
    component: lazyRouteComponent(() => import("../features/about/AboutPage"), "AboutPage"),
  }),
] as const;

/** The console's pages. */
export function consoleRouter(queries: QueryClient, history?: RouterHistory) {
  return createRouter({
    routeTree: root.addChildren([claim, login, inside.addChildren(routes)]),
    context: { queries },
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: PageFault,
    defaultPendingMs: 60_000,
    ...(history ? { history } : {}),
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof consoleRouter>;
  }
}
