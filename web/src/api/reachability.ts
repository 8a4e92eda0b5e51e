import { store } from "./store";

const away = store(false);

/** Whether the host answers: told by every request, asked by the banner. */
export const reachability = {
  away,
  answered: () => away.write(false),
  silent: () => away.write(true),
};
