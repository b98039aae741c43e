import { readFileSync } from 'node:fs';
import type { ClusterTLS } from '@heed/backend-cluster/worker';
import { HeedError } from '@heed/core';
import { Command } from 'commander';
import { isInstalled, locate } from '../backends/resolve.ts';
import type { Console, ExitCode } from '../output/console.ts';
import { countOption, secondsOption } from './options.ts';

const HELP = `
Joins a cluster of @heed/backend-cluster: takes shards of keys and computes them with a backend, until Ctrl-C. All workers
of a namespace need the same backend and level. Servers on other machines need --tls and credentials.

Examples:
  $ heed worker --backend native --threads 2
  $ heed worker --servers tls://nats.example.com --creds heed.creds --backend wasm

Exit codes: 0 it was ended, 1 it lost its backend or its place, 2 wrong usage, or it cannot join.`;

interface Options {
  readonly servers?: string;
  readonly backend: string;
  readonly threads?: number;
  readonly namespace?: string;
  readonly creds?: string;
  readonly user?: string;
  readonly tls?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly acknowledgement?: number;
  readonly deliveries?: number;
}

export function workerCommand(console: Console, onEnd: (code: ExitCode) => void): Command {
  return new Command('worker')
    .description('compute shards for a cluster, with a backend of this machine')
    .option(
      '--servers <addresses>',
      'of NATS, with commas between (default: $HEED_CLUSTER_SERVERS, or this machine)',
    )
    .option('--backend <backend>', 'that computes', 'native')
    .addOption(countOption('--threads <number>', 'threads of the backend'))
    .option('--namespace <word>', 'of the cluster')
    .option('--creds <file>', 'credentials of a user, as a .creds file')
    .option('--user <name>', 'name of a user; the password is $HEED_CLUSTER_PASSWORD')
    .option('--tls', 'encrypt the connection')
    .option('--ca <file>', "certificate of the authority that signed the server's; encrypts, too")
    .option('--cert <file>', 'own certificate, if the server asks for one; encrypts, too')
    .option('--key <file>', 'key of that certificate')
    .addOption(secondsOption('--acknowledgement <seconds>', 'after which a task goes to another worker'))
    .addOption(countOption('--deliveries <number>', 'of a task before it is given up'))
    .option('--json', 'print one JSON object when it has joined')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      onEnd(await work(options, console));
    });
}

async function work(options: Options, console: Console): Promise<ExitCode> {
  if (!isInstalled('cluster')) {
    throw new HeedError('UNAVAILABLE', 'heed worker needs @heed/backend-cluster, which is not installed', {
      remedy: 'npm install @heed/backend-cluster',
    });
  }
  const { startWorker } = (await import(
    new URL('./worker/index.js', locate('cluster').url).href
  )) as typeof import('@heed/backend-cluster/worker');
  const { servers, threads, namespace, acknowledgement, deliveries } = options;
  const tls = tlsOf(options);
  const credentials = credentialsOf(options);
  const worker = await startWorker({
    backend: locate(options.backend).url,
    ...(threads !== undefined && { backendOptions: { threads } }),
    ...(servers !== undefined && { servers: servers.split(',') }),
    ...(namespace !== undefined && { namespace }),
    ...(credentials !== null && { credentials }),
    ...(tls !== null && { tls }),
    ...(acknowledgement !== undefined && { acknowledgement: 1000 * acknowledgement }),
    ...(deliveries !== undefined && { deliveries }),
    onEvent: (message) => void process.stderr.write(`${message}\n`),
  });
  const end = (): void => void worker.stop();
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  console.print(`${worker.id} has joined: ${worker.device}`);
  if (credentials === null) console.print('without credentials, so for this machine only; Ctrl-C ends it');
  console.result({ worker: worker.id, device: worker.device });
  try {
    await worker.ended;
    return 0;
  } catch {
    // The worker has already printed the reason.
    return 1;
  }
}

function tlsOf({ tls, ca, cert, key }: Options): ClusterTLS | null {
  if (!tls && ca === undefined && cert === undefined && key === undefined) return null;
  return {
    ...(ca !== undefined && { caFile: ca }),
    ...(cert !== undefined && { certFile: cert }),
    ...(key !== undefined && { keyFile: key }),
  };
}

function credentialsOf({
  creds,
  user,
}: Options): { creds: string } | { user: string; password: string } | null {
  if (user !== undefined) return { user, password: process.env['HEED_CLUSTER_PASSWORD'] ?? '' };
  if (creds === undefined) return null;
  try {
    return { creds: readFileSync(creds, 'utf8') };
  } catch (error) {
    throw new HeedError('ARGUMENT', `--creds ${creds} cannot be read: ${(error as Error).message}`, {
      remedy: 'give the path of a .creds file',
    });
  }
}
