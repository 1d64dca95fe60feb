import { createServer } from "node:net";
import { findNatsServer, startNatsServer } from "../../scripts/nats-server.mjs";

/** A real nats-server for one test file; stop it in `afterAll`. */
export interface TestNats {
  /** With credentials, where the server asks for them. */
  readonly url: string;
  readonly port: number;
  /** How it was come by. */
  readonly how: "container" | "binary" | "debian" | "external";
  /** Freezes it as it stands: connections stay open, nothing is answered. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it the hard way; `restart` brings it back on the same port. */
  stop(): Promise<void>;
  restart(): Promise<void>;
}

const CONTAINER_IMAGE = "nats:2.11-alpine";
const ways = ["container", "binary", "debian"] as const;
type Way = (typeof ways)[number];

/**
 * Starts a server in the first way that works: a container, a `nats-server` on the PATH, Debian's package. The
 * environment variable FEDPRESS_TEST_NATS names one way, or gives the URL of a running server (which the tests that
 * stop it cannot use). Throws with the remedy when there is none: such a test fails, it is never skipped.
 */
export async function startNats(args: readonly string[] = []): Promise<TestNats> {
  const asked = process.env.FEDPRESS_TEST_NATS ?? "";
  if (asked.includes("://")) return external(asked, args);
  if (asked !== "" && !ways.includes(asked as Way)) {
    throw new Error(`FEDPRESS_TEST_NATS is ${asked}, expected ${ways.join(", ")} or a nats:// URL`);
  }
  const allowed = asked === "" ? (["container", "any"] as const) : [asked as Way];
  const reasons: string[] = [];
  for (const way of allowed) {
    try {
      return way === "container" ? await inContainer(args) : await asProcess(way, args);
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw new Error(`no NATS server for the tests: ${reasons.join("; ")}`);
}

async function asProcess(way: "any" | "binary" | "debian", args: readonly string[]): Promise<TestNats> {
  const { path, how } = await findNatsServer(way);
  let server = await startNatsServer({ path, args });
  const { port } = server;
  return {
    url: urlOf("127.0.0.1", port, args),
    port,
    how,
    pause: async () => server.signal("SIGSTOP"),
    resume: async () => server.signal("SIGCONT"),
    stop: async () => await server.kill(),
    restart: async () => {
      await server.kill();
      server = await startNatsServer({ path, port, args });
    },
  };
}

/** Loaded only when asked: without a container runtime it says so within milliseconds. */
async function inContainer(args: readonly string[]): Promise<TestNats> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import("testcontainers");
  const runtime = await getContainerRuntimeClient();
  const port = await freePort(); // a fixed one, so that it stays the same over a restart
  const image = process.env.FEDPRESS_TEST_NATS_IMAGE ?? CONTAINER_IMAGE;
  const container = await new GenericContainer(image)
    .withCommand([...args])
    .withExposedPorts({ container: 4222, host: port })
    .withWaitStrategy(Wait.forLogMessage("Server is ready"))
    .start();
  const handle = runtime.container.getById(container.getId());
  let state: "running" | "paused" | "stopped" = "running";
  const kill = async (): Promise<void> => {
    if (state === "paused") await handle.unpause(); // Docker kills no paused container
    if (state !== "stopped") await handle.kill();
    state = "stopped";
  };
  return {
    url: urlOf(container.getHost(), port, args),
    port,
    how: "container",
    pause: async () => {
      await handle.pause();
      state = "paused";
    },
    resume: async () => {
      await handle.unpause();
      state = "running";
    },
    stop: kill,
    restart: async () => {
      await kill();
      await handle.start();
      state = "running";
    },
  };
}

function external(url: string, args: readonly string[]): TestNats {
  if (args.length > 0) throw new Error("this test starts its own NATS server: unset FEDPRESS_TEST_NATS");
  const refuse = async (): Promise<void> => {
    throw new Error("this test stops its NATS server: unset FEDPRESS_TEST_NATS");
  };
  const port = Number(new URL(url).port || 4222);
  return { url, port, how: "external", pause: refuse, resume: refuse, stop: async () => {}, restart: refuse };
}

/** `--user` and `--pass`, or `--auth`, among the server's arguments become part of the URL. */
function urlOf(host: string, port: number, args: readonly string[]): string {
  const value = (name: string): string | null => (args.includes(name) ? args[args.indexOf(name) + 1]! : null);
  const user = value("--user") ?? value("--auth");
  const pass = value("--pass");
  if (user === null) return `nats://${host}:${port}`;
  return `nats://${encodeURIComponent(user)}${pass === null ? "" : `:${encodeURIComponent(pass)}`}@${host}:${port}`;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}
