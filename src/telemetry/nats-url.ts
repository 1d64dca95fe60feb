import { ConfigError } from "../model/error.ts";

/** A server's address taken apart; `shown` is the one form of it that may be logged. */
export interface NatsAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly credentials: { readonly user: string; readonly pass: string } | { readonly token: string } | null;
  readonly shown: string;
}

/**
 * Reads `nats://host:port`, `nats://user:pass@host` or `nats://token@host`; `tls://` asks for TLS, the scheme and
 * the port (4222) may be left out. Throws ConfigError at `path`, without the credentials.
 */
export function parseNatsUrl(text: string, path: string): NatsAddress {
  const bad = (): ConfigError =>
    new ConfigError([
      { path, value: withoutCredentials(text), expected: "nats://HOST:PORT, or tls://HOST:PORT" },
    ]);
  const full = text.includes("://") ? text : `nats://${text}`;
  if (!URL.canParse(full)) throw bad();
  const url = new URL(full);
  if (!["nats:", "tls:"].includes(url.protocol) || url.hostname === "") throw bad();
  if (!["", "/"].includes(url.pathname) || url.search !== "" || url.hash !== "") throw bad();
  const port = url.port === "" ? 4222 : Number(url.port);
  const user = decoded(url.username, bad);
  const pass = decoded(url.password, bad);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"), // IPv6 comes in brackets
    port,
    tls: url.protocol === "tls:",
    credentials: user === "" ? null : pass === "" ? { token: user } : { user, pass },
    shown: `${url.protocol}//${url.hostname}:${port}`,
  };
}

function decoded(text: string, bad: () => ConfigError): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad();
  }
}

const withoutCredentials = (text: string): string => text.replace(/^([a-z]+:\/\/)?.*@/i, "$1***@");
