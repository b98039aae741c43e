import { HeedError } from '@heed/core';
import { type OptionKind, type OptionTable, callback, checkOptions, integer, text } from '@heed/core/backend';
import type { RunMetrics, RunProgress } from './run/metrics.ts';

/** Identity for the server: a user, a token, or the text of a `.creds` file. */
export type ClusterCredentials =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  | { readonly creds: string };

/** Files of the certificates, as Node's `tls` takes them. */
export interface ClusterTLS {
  /** Certificate of the authority that signed the server's. Default: those of the system. */
  readonly caFile?: string | undefined;
  /** Own certificate, if the server asks for one. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Connection to the server, for backends and workers alike. */
export interface ConnectionOptions {
  /** Addresses of the server or of several that form one. Default: `HEED_CLUSTER_SERVERS`, or `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[] | undefined;
  /** Default: none. */
  readonly credentials?: ClusterCredentials | undefined;
  /** Encrypts the connection. Without it, or credentials, only servers of this machine are accepted. */
  readonly tls?: ClusterTLS | undefined;
  /** First word of every subject and of the names of streams: letters, digits, `-`, `_`. Default: `HEED_CLUSTER_NAMESPACE`, or `heed`. */
  readonly namespace?: string | undefined;
}

/** Options of `create`. */
export interface ClusterOptions extends ConnectionOptions {
  /**
   * Keys in a shard, which one worker computes at a time. Results with other shards differ in their last bits. Default
   * 65,536.
   */
  readonly shardKeys?: number | undefined;
  /** Time without progress after which a call fails, in milliseconds. Default 30,000. */
  readonly patience?: number | undefined;
  /** Called after each run. */
  readonly onRun?: ((metrics: RunMetrics) => void) | undefined;
  /** Called when shards end, in runs that take longer than a second. */
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
}

/** Kind of a text option. */
const servers: OptionKind = {
  expected: 'an address such as nats://127.0.0.1:4222, or an array of them',
  accepts: (value) => (Array.isArray(value) ? value.length > 0 && value.every(isAddress) : isAddress(value)),
};

const credentials: OptionKind = {
  expected: '{ user, password }, { token } or { creds }',
  accepts: (value) => {
    const given = Object.entries((value ?? {}) as object);
    const names = given
      .map(([name]) => name)
      .sort()
      .join();
    return (
      ['password,user', 'token', 'creds'].includes(names) &&
      given.every(([, word]) => typeof word === 'string')
    );
  },
};

const tls: OptionKind = {
  expected: '{ caFile, certFile, keyFile }, each the path of a file, the last two together',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    'certFile' in value === 'keyFile' in value &&
    Object.entries(value).every(
      ([name, file]) => ['caFile', 'certFile', 'keyFile'].includes(name) && typeof file === 'string',
    ),
};

const namespace: OptionKind = {
  expected: 'a word of letters, digits, - and _',
  accepts: (value) => typeof value === 'string' && /^[\w-]{1,64}$/.test(value),
};

/** Kinds of the options of a connection. */
export const CONNECTION: OptionTable<ConnectionOptions> = { servers, credentials, tls, namespace };

/** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`. */
export function checkClusterOptions(options: ClusterOptions): void {
  checkOptions('cluster.create()', options, {
    ...CONNECTION,
    shardKeys: integer(1),
    patience: integer(1),
    onRun: callback,
    onProgress: callback,
  });
  checkReach(options);
  checkCreds(options);
}

/** Returns the addresses to connect to: from the options, the environment, or else this machine. */
export function serversOf({ servers: given }: ConnectionOptions): string[] {
  const standard = process.env['HEED_CLUSTER_SERVERS']?.split(',') ?? ['nats://127.0.0.1:4222'];
  return given === undefined ? standard : typeof given === 'string' ? [given] : [...given];
}

export function namespaceOf({ namespace: given }: ConnectionOptions): string {
  return given ?? process.env['HEED_CLUSTER_NAMESPACE'] ?? 'heed';
}

/**
 * Refuses to send tensors unencrypted over a network.
 *
 * @throws HeedError `ARGUMENT`.
 */
export function checkReach(options: ConnectionOptions): void {
  const far = serversOf(options).find((address) => !isLoopback(address));
  if (far === undefined || (options.tls !== undefined && options.credentials !== undefined)) return;
  const missing = options.tls === undefined ? 'tls' : 'credentials';
  throw new HeedError(
    'ARGUMENT',
    `cluster: ${far} is not this machine and \`${missing}\` is left out; expected tls and credentials`,
    {
      remedy: 'give tls: {} (certificates of the system) or { caFile }, and credentials',
    },
  );
}

/**
 * Refuses what is not the text of a `.creds` file, such as its path.
 *
 * @throws HeedError `ARGUMENT`.
 */
export function checkCreds({ credentials: given }: ConnectionOptions): void {
  if (given === undefined || !('creds' in given)) return;
  if (/BEGIN NATS USER JWT[^]*BEGIN USER NKEY SEED/.test(given.creds)) return;
  const remedy = "read the file: creds: readFileSync('heed.creds', 'utf8')";
  throw new HeedError(
    'ARGUMENT',
    `cluster: \`credentials.creds\` of ${given.creds.length} characters; expected the text of a .creds file; ${remedy}`,
    { remedy },
  );
}

function isLoopback(address: string): boolean {
  const { hostname } = new URL(address);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

function isAddress(value: unknown): boolean {
  return text.accepts(value) && /^(nats|tls):\/\//.test(value as string) && URL.canParse(value as string);
}
