// A real host with a directory of its own, and real devices that want to stream from it.

import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The programs under test; `make e2e` names them. */
const programs = {
  host: process.env.PUNKTFUNK_HOST ?? resolve("../target/debug/punktfunk-host"),
  client: process.env.PUNKTFUNK_CLIENT ?? resolve("../target/debug/punktfunk"),
};

/**
 * Loopback, no announcement, a picture that costs nothing; one key set so that the console shows it locked. Both
 * ports, UDP and TCP, stay the same over a restart, as browser and devices expect.
 */
const configuration = (port: number) => `
[network]
listen = "127.0.0.1"
port = ${String(port)}
[network.mdns]
enable = false
[session]
max_sessions = 3
[display]
backend = "synthetic"
[console]
port = ${String(port)}
`;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

/** Longer than anything takes on a loaded machine. */
const PATIENCE = 20_000;

export async function until<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`it never came to this: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

export class Host {
  readonly dir = mkdtempSync(join(tmpdir(), "punktfunk-console-"));
  private process: ChildProcess | undefined;
  private devices: Device[] = [];
  /** `https://127.0.0.1:PORT` */
  url = "";
  /** `127.0.0.1:PORT` of the control connection. */
  address = "";
  /** Of its certificate. */
  fingerprint = "";

  static async start(extra = ""): Promise<Host> {
    const host = new Host();
    writeFileSync(join(host.dir, "punktfunk.toml"), configuration(await freePort()) + extra);
    await host.begin();
    return host;
  }

  private async begin(): Promise<void> {
    const log = openSync(join(this.dir, "host.log"), "a");
    const args = ["serve", "--config", join(this.dir, "punktfunk.toml")];
    args.push("--state-dir", join(this.dir, "state"), "--runtime-dir", join(this.dir, "run"));
    this.process = spawn(programs.host, args, { stdio: ["ignore", "ignore", log] });
    const status = await until(`the host is ready; it says:\n${this.log()}`, async () => {
      const status = await this.ctl("status").catch(() => undefined);
      return status?.console ? status : undefined;
    });
    this.url = `https://${status.console}`;
    this.address = String(status.listen);
    this.fingerprint = String(status.fingerprint);
  }

  /** `punktfunk-host ctl … --json` */
  async ctl(...args: string[]): Promise<Record<string, unknown>> {
    const { stdout } = await run(programs.host, ["ctl", "--runtime-dir", join(this.dir, "run"), ...args, "--json"]);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** What the machine's screen shows while nobody administers it. */
  async claimCode(): Promise<string> {
    return String((await this.ctl("claim")).claim_code);
  }

  /** Claims it as the owner at the machine does. */
  async claim(password: string): Promise<void> {
    const file = join(this.dir, "password");
    writeFileSync(file, password, { mode: 0o600 });
    await this.ctl("claim", "--password-file", file);
    rmSync(file);
  }

  /** A device that nobody knows yet. */
  device(name: string): Device {
    const device = new Device(this, name);
    this.devices.push(device);
    return device;
  }

  log(): string {
    try {
      return readFileSync(join(this.dir, "host.log"), "utf8");
    } catch {
      return "";
    }
  }

  get pid(): number {
    return this.process?.pid ?? 0;
  }

  async stop(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.stop()));
    await ended(this.process);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** How a device's run ended. */
export interface Outcome {
  exit: number | null;
  answer: { counts?: { frames_received: number; frames_decoded: number }; error?: { message: string } };
  said: string;
}

export class Device {
  private process: ChildProcess | undefined;
  private readonly state: string;
  /** Settles when the run that was begun last has ended. */
  outcome: Promise<Outcome> = Promise.reject(new Error("the device did nothing yet"));

  private address: string;
  /** Of the host that its user looked at. */
  private readonly fingerprint: string;

  constructor(
    host: Host,
    readonly name: string,
  ) {
    this.address = host.address;
    this.fingerprint = host.fingerprint;
    this.state = mkdtempSync(join(host.dir, "device-"));
    this.outcome.catch(() => {});
  }

  /** From now on it looks here for the host that it knows. */
  at(host: Host): this {
    this.address = host.address;
    return this;
  }

  /** Connects and streams, or waits to be let in. */
  connect(seconds = 60): this {
    const mode = ["--mode", "320x180@30", "--seconds", String(seconds), "--wait", "60"];
    // Somebody compared the fingerprint: nothing here is about how clients find and trust a host.
    return this.begin(["connect", this.address, ...mode, "--fingerprint", this.fingerprint, "--name", this.name]);
  }

  /** Pairs with what the console shows. */
  pair(pin: string): this {
    return this.begin(["pair", this.address, "--pin", pin, "--name", this.name]);
  }

  private begin(args: string[]): this {
    const all = ["--state-dir", this.state, "--json", "--mdns", "off", ...args];
    const process = spawn(programs.client, all, { stdio: ["ignore", "pipe", "pipe"] });
    let answer = "";
    let said = "";
    process.stdout.on("data", (piece) => (answer += String(piece)));
    process.stderr.on("data", (piece) => (said += String(piece)));
    this.process = process;
    this.outcome = new Promise((done) => {
      process.on("close", (exit) => done({ exit, answer: parsed(answer), said }));
    });
    return this;
  }

  /** The user of the device ends it. */
  async stop(): Promise<void> {
    await ended(this.process);
  }
}

function parsed(text: string): Outcome["answer"] {
  try {
    return JSON.parse(text) as Outcome["answer"];
  } catch {
    return {};
  }
}

async function ended(process: ChildProcess | undefined): Promise<void> {
  if (!process || process.exitCode !== null || process.signalCode !== null) return;
  const gone = new Promise((done) => process.once("close", done));
  process.kill("SIGTERM");
  const late = setTimeout(() => process.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(late);
}
