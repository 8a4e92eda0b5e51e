import { setupServer } from "msw/node";
import { handlers } from "../../mock/handlers";
import { type Scene, type World, makeWorld } from "../../mock/world";

let current = makeWorld();

/** The mock host of the test that runs. */
export const world = (): World => current;
export const startWorld = (scene: Scene): World => (current = makeWorld(scene));
export const server = setupServer(...handlers(world));
