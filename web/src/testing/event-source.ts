/** The browser's event stream, told by the test. */
export class FakeEventSource extends EventTarget {
  static open = new Set<FakeEventSource>();
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    FakeEventSource.open.add(this);
  }

  close() {
    FakeEventSource.open.delete(this);
  }

  static closeAll() {
    FakeEventSource.open.clear();
  }

  /** An event for everybody who listens. */
  static send(event: string, data: unknown) {
    for (const source of FakeEventSource.open) source.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data) }));
  }

  /** The stream of everybody breaks. */
  static fail() {
    for (const source of FakeEventSource.open) source.onerror?.();
  }
}
