import { QueryClientProvider } from "@tanstack/react-query";
import { type RouterHistory, RouterProvider } from "@tanstack/react-router";
import { isProblem } from "../api/client";
import { queryClient } from "./queries";
import { consoleRouter } from "./router";

/** The console, and its cache; `history` stands in for the browser's in tests. */
export function consoleApp(history?: RouterHistory) {
  const queries = queryClient((error) => {
    const { pathname, href } = router.state.location;
    if (pathname === "/login" || pathname === "/claim") return;
    queries.removeQueries({ queryKey: ["login"] });
    if (isProblem(error, "unclaimed")) void router.navigate({ to: "/claim" });
    else void router.navigate({ to: "/login", search: href === "/" ? {} : { next: href } });
  });
  const router = consoleRouter(queries, history);
  const element = (
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
  return { element, queries, router };
}
