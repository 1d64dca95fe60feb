import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ConfigError } from "../../src/model/error.ts";
import { telemetry } from "../../src/telemetry/emitter.ts";
import type { TelemetryEvent } from "../../src/telemetry/event.ts";
import { NatsRefusal } from "../../src/telemetry/nats.ts";
import { natsSink } from "../../src/telemetry/nats-sink.ts";
import { parseNatsUrl } from "../../src/telemetry/nats-url.ts";
import { natsWatcher } from "../../src/telemetry/nats-watcher.ts";
import { startNats } from "../e2e/nats-server.ts";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const left: TelemetryEvent = { type: "client.left", clientId: "c" };

async function startServer(args: readonly string[]) {
  const nats = await startNats(args);
  cleanUp.push(() => nats.stop());
  return nats;
}

/** Publishes one event with the URL's credentials; says what became of it and what was logged. */
async function publishOne(url: string) {
  const said: string[] = [];
  const sink = natsSink({
    url,
    retryMs: 20,
    closeMs: 20_000,
    onDropped: () => {},
    onState: (state, detail) => said.push(`${state} ${detail}`),
  });
  const run = telemetry("r", sink, () => 0);
  run.emit(left);
  await run.close();
  return { stats: sink.stats(), said };
}

test.each([[["--user", "ann@home", "--pass", "p:/?# %"]], [["--auth", "s3cret-token"]]])(
  "credentials in the URL open the server, and are not logged: %j",
  async (args) => {
    const nats = await startServer(args);
    const { stats, said } = await publishOne(nats.url);
    expect(stats).toMatchObject({ published: 1, dropped: 0 });
    expect(said).toEqual([`connected nats://127.0.0.1:${nats.port}: connected`]);
  },
);

test("without them events are dropped and counted, and a watcher ends with the reason", async () => {
  const nats = await startServer(["--user", "ann", "--pass", "open-sesame"]);
  const wrong = `nats://ann:wrong-sesame@127.0.0.1:${nats.port}`;
  const { stats, said } = await publishOne(wrong);
  expect(stats).toMatchObject({ published: 0, dropped: 1 });
  expect(said.join()).toMatch(/authorization violation/i);
  const watcher = natsWatcher({ url: wrong, run: null, signal: new AbortController().signal });
  const failure = await watcher[Symbol.asyncIterator]()
    .next()
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(NatsRefusal);
  expect(String(failure) + said.join()).not.toMatch(/sesame/);
});

/** Something that is no NATS server: it says `greeting`, or nothing. */
async function startStranger(greeting: string | null): Promise<{ url: string; open: () => number }> {
  let open = 0;
  const server: Server = createServer((socket) => {
    open++;
    socket.on("close", () => open--);
    socket.on("error", () => {});
    if (greeting !== null) socket.write(greeting);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUp.push(() => server.close());
  return { url: `nats://127.0.0.1:${(server.address() as { port: number }).port}`, open: () => open };
}

test.each([
  ["silent", null],
  ["speaking another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
])("a server that is %s is given up, and no socket to it stays behind", async (_name, greeting) => {
  const stranger = await startStranger(greeting);
  const sink = natsSink({ url: stranger.url, timeoutMs: 20, closeMs: 50, onDropped: () => {} });
  const run = telemetry("r", sink, () => 0);
  run.emit(left);
  await run.close();
  expect(sink.stats()).toEqual({ published: 0, buffered: 0, inFlight: 0, dropped: 1 });
  while (stranger.open() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test.each([
  [
    "127.0.0.1",
    { host: "127.0.0.1", port: 4222, tls: false, credentials: null, shown: "nats://127.0.0.1:4222" },
  ],
  ["nats://h:1", { host: "h", port: 1, tls: false, credentials: null, shown: "nats://h:1" }],
  ["tls://h/", { host: "h", port: 4222, tls: true, credentials: null, shown: "tls://h:4222" }],
  ["nats://[::1]:5", { host: "::1", port: 5, tls: false, credentials: null, shown: "nats://[::1]:5" }],
  [
    "nats://a%40b:c@h",
    { host: "h", port: 4222, tls: false, credentials: { user: "a@b", pass: "c" }, shown: "nats://h:4222" },
  ],
  [
    "nats://t0k@h",
    { host: "h", port: 4222, tls: false, credentials: { token: "t0k" }, shown: "nats://h:4222" },
  ],
])("the address %s", (text, address) => {
  expect(parseNatsUrl(text, "x")).toEqual(address);
});

test.each([
  "",
  "http://h",
  "nats://",
  "nats://h/path",
  "nats://h?x=1",
  "nats://ann:hush@h:99999",
  "nats://hush%zz@h",
])("%j is no address, and the message keeps the secret", (text) => {
  const failure = (() => {
    try {
      return parseNatsUrl(text, "telemetry.nats.url");
    } catch (error) {
      return error;
    }
  })();
  expect(failure).toBeInstanceOf(ConfigError);
  expect(String(failure)).toContain("telemetry.nats.url");
  expect(String(failure)).not.toContain("hush");
});
