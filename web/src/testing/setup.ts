import { cleanup } from "@testing-library/react";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { passwordQuestion } from "../api/password";
import { reachability } from "../api/reachability";
import { toasts } from "../api/toasts";
import { en } from "../i18n/en";
import { spoken } from "../i18n/language";
import { FakeEventSource } from "./event-source";
import { server, startWorld } from "./host";

// jsdom has no modal dialogs and no event stream.
HTMLDialogElement.prototype.showModal = function showModal() {
  this.open = true;
  this.querySelector<HTMLElement>("[autofocus], button, input")?.focus();
};
HTMLDialogElement.prototype.close = function close() {
  this.open = false;
};
Object.assign(globalThis, { EventSource: FakeEventSource });

beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
beforeEach(() => {
  startWorld("busy");
  spoken.write({ language: "en", texts: en });
});
afterEach(() => {
  cleanup();
  passwordQuestion.read()?.answer(false);
  toasts.write([]);
  reachability.answered();
  FakeEventSource.closeAll();
});
afterAll(() => server.close());
