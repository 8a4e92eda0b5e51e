import { createMemoryHistory } from "@tanstack/react-router";
import { act, render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { consoleApp } from "../app/App";
import { world } from "./host";

/** Opens a page of the console, logged in unless told otherwise. */
export async function visit(path: string, { loggedIn = true } = {}) {
  world().loggedIn = loggedIn;
  const app = consoleApp(createMemoryHistory({ initialEntries: [path] }));
  await act(async () => {
    render(app.element);
    await app.router.load();
  });
  return { ...app, user: userEvent.setup(), at: () => app.router.state.location.href };
}
