import { isIP } from 'node:net';
import { checkServerIdentity as checkIdentity } from 'node:tls';
import { HeedError } from '@heed/core';
import {
  AuthorizationError,
  type ConnectionOptions as NatsOptions,
  type NatsConnection,
  PermissionViolationError,
  TimeoutError,
  type TlsOptions,
  connect,
  credsAuthenticator,
} from '@nats-io/transport-node';
import { persist } from './persist.ts';
import { type ClusterTLS, type ConnectionOptions, checkCreds, checkReach, serversOf } from '../options.ts';

/** Time that the first connection may take, in milliseconds. */
const FIRST_CONNECTION = 4000;
/** Time between attempts to reconnect, in milliseconds. */
const RECONNECT_WAIT = 100;

/**
 * Connects to the server for as long as the process needs it, and restores lost connections.
 *
 * @throws HeedError `UNAVAILABLE`, with the reason; `ARGUMENT` for a remote server without encryption.
 */
export async function connectTo(options: ConnectionOptions, name: string): Promise<NatsConnection> {
  checkReach(options);
  checkCreds(options);
  const servers = serversOf(options);
  try {
    return await persist(
      () =>
        connect({
          servers,
          name,
          timeout: FIRST_CONNECTION,
          maxReconnectAttempts: -1,
          reconnectTimeWait: RECONNECT_WAIT,
          reconnectJitter: RECONNECT_WAIT,
          pingInterval: 5000,
          ignoreClusterUpdates: false,
          ...(options.tls !== undefined && { tls: tlsOf(options.tls, servers) }),
          ...authentication(options),
        }),
      // One attempt, unless it timed out only since this process was paused.
      { patience: FIRST_CONNECTION / 2, isFinal: (error) => !(error instanceof TimeoutError) },
    );
  } catch (error) {
    const where = servers.join(', ');
    if (error instanceof AuthorizationError || error instanceof PermissionViolationError) {
      throw unavailable(
        `${where} refuses the credentials: ${error.message}`,
        'give the credentials of a user of this server: { user, password }, { token } or { creds }',
        error,
      );
    }
    throw unavailable(
      `cannot connect to ${where}: ${(error as Error).message}`,
      'start nats-server -js, or set servers',
      error,
    );
  }
}

/**
 * Adds what the client lacks: of a server that is given by its address, it compares the certificate with the name
 * `localhost`.
 */
function tlsOf(tls: ClusterTLS, servers: readonly string[]): TlsOptions {
  const hosts = servers.map((address) => new URL(address).hostname.replaceAll(/[[\]]/g, ''));
  const unnamed = hosts.filter((host) => isIP(host) !== 0 || host === 'localhost');
  const checkServerIdentity: typeof checkIdentity = (name, certificate) => {
    if (name !== 'localhost') return checkIdentity(name, certificate);
    const found = unnamed.map((host) => checkIdentity(host, certificate));
    return found.includes(undefined) ? undefined : found[0];
  };
  return { ...tls, checkServerIdentity } as TlsOptions;
}

function authentication({ credentials }: ConnectionOptions): NatsOptions {
  if (credentials === undefined) return {};
  if ('token' in credentials) return { token: credentials.token };
  if ('user' in credentials) return { user: credentials.user, pass: credentials.password };
  return { authenticator: credsAuthenticator(new TextEncoder().encode(credentials.creds)) };
}

/** An error for something that cannot be reached now. */
export function unavailable(message: string, remedy: string, cause?: unknown): HeedError {
  return new HeedError('UNAVAILABLE', `cluster: ${message}; ${remedy}`, {
    remedy,
    ...(cause !== undefined && { cause }),
  });
}
