import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HeedError } from '@heed/core';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import cluster, { type ClusterOptions } from './index.ts';
import { TestAccount } from './test/accounts.ts';
import { TestAuthority } from './test/certificates.ts';
import { HASTY, TRAPPED, bits, request } from './test/cluster.ts';
import { TestServer, hasServer } from './test/server.ts';
import { WorkerProcess } from './test/workers.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'heed-secure-'));
const ends: (() => Promise<void>)[] = [];

async function serverWith(words: readonly string[]): Promise<string> {
  const server = await TestServer.start(words);
  ends.push(() => server.end());
  return server.url;
}

/** Runs attention over a cluster of one worker, both with the same options. */
async function runWith(options: ClusterOptions): Promise<string> {
  const worker = await WorkerProcess.start({ ...options, backend: TRAPPED, ...HASTY });
  ends.unshift(() => worker.end());
  const backend = await cluster.create({ ...options, shardKeys: 8 });
  const result = await bits(backend, request());
  await backend.dispose();
  return result;
}

/** Refusals of a backend and of a worker. */
async function refusals(options: ClusterOptions): Promise<string[]> {
  const tries = [cluster.create(options), WorkerProcess.start({ ...options, backend: TRAPPED })];
  return Promise.all(
    tries.map(async (one) => {
      const error: unknown = await one.catch((reason: unknown) => reason);
      return HeedError.isInstance(error) ? `${error.code}: ${error.message}` : String(error);
    }),
  );
}

describe.skipIf(!hasServer())('a server', () => {
  const authority = new TestAuthority(folder, 'authority');
  const { certFile, keyFile } = authority.sign('server');
  const encrypted = ['--tls', '--tlscert', certFile, '--tlskey', keyFile];
  const { caFile } = authority;
  const results = new Set<string>();

  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('with TLS and a user carries runs, and is refused where its certificate is unknown', async () => {
    const servers = await serverWith([...encrypted, '--user', 'heed', '--pass', 'right']);
    const credentials = { user: 'heed', password: 'right' };
    results.add(await runWith({ servers, credentials, tls: { caFile } }));
    const other = new TestAuthority(folder, 'stranger');
    for (const tls of [{}, { caFile: other.caFile }]) {
      for (const refusal of await refusals({ servers, credentials, tls })) {
        expect(refusal).toMatch(/cannot connect to .*: .*(certificate|issuer)/);
      }
    }
    for (const refusal of await refusals({
      servers,
      credentials: { ...credentials, password: 'wrong' },
      tls: { caFile },
    })) {
      expect(refusal).toMatch(/refuses the credentials/);
    }
  });

  test('that asks for certificates of clients takes those of its authority only', async () => {
    const servers = await serverWith([...encrypted, '--tlsverify', '--tlscacert', caFile]);
    results.add(await runWith({ servers, tls: { caFile, ...authority.sign('client') } }));
    const stranger = new TestAuthority(folder, 'stranger').sign('impostor');
    for (const own of [{}, stranger]) {
      for (const refusal of await refusals({ servers, tls: { caFile, ...own } })) {
        expect(refusal).toMatch(/cannot connect to/);
      }
    }
  });

  test('with accounts takes .creds of its users', async () => {
    const account = new TestAccount(folder);
    const servers = await serverWith(['-c', account.configuration]);
    results.add(await runWith({ servers, credentials: { creds: account.creds() } }));
    const foreign = new TestAccount(mkdtempSync(path.join(folder, 'other-'))).creds();
    for (const refusal of await refusals({ servers, credentials: { creds: foreign } })) {
      expect(refusal).toMatch(/refuses the credentials.*give the credentials of a user of this server/);
    }
    for (const refusal of await refusals({ servers, credentials: { creds: 'heed.creds' } })) {
      expect(refusal).toMatch(
        /`credentials.creds` of 10 characters; expected the text of a .creds file; read the file/,
      );
    }
  });

  test('has the same bits in each of these ways', () => {
    expect(results.size).toBe(1);
  });
});
