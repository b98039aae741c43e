import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { HeedError } from '@heed/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCases } from './read-cases.ts';
import { soundFile } from '../test/mutated-file.ts';

describe('cases from the file system', () => {
  let folder: string;
  const sound = JSON.stringify(soundFile());
  const write = (name: string, data: string | Uint8Array): Promise<void> =>
    writeFile(join(folder, name), data);
  const refused = async (name: string): Promise<HeedError> => {
    const error: unknown = await readCases(join(folder, name)).then(
      () => new Error('it was accepted'),
      (reason: unknown) => reason,
    );
    if (!HeedError.isInstance(error)) throw error;
    return error;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heed-cases-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('with no case files', async () => {
    await write('index.json', '[]');
    await write('notes.txt', '');
    expect((await refused('')).message).toMatch(/is a folder without case files/);
  });

  test('that is not there', async () => {
    expect((await refused('nowhere')).message).toMatch(/nowhere: cannot be read: ENOENT/);
  });

  test('packed files are read, told by their first bytes', async () => {
    await write('packed.json.gz', gzipSync(sound));
    await write('misnamed.json', gzipSync(sound));
    expect((await readCases(join(folder, 'packed.json.gz'))).cases).toHaveLength(2);
    expect((await readCases(join(folder, 'misnamed.json'))).cases).toHaveLength(2);
  });

  test('two files with the same case', async () => {
    expect((await refused('')).message).toMatch(
      /packed\.json\.gz: has the case one-key, which is in .*misnamed\.json/,
    );
  });

  test('a truncated gzip', async () => {
    await write('cut.json.gz', gzipSync(sound).subarray(0, 200));
    const error = await refused('cut.json.gz');
    expect(error.code).toBe('ARGUMENT');
    expect(error.message).toMatch(/cut\.json\.gz: cannot be read: /);
  });

  test('a gzip that is none', async () => {
    await write('fake.json.gz', new Uint8Array([0x1f, 0x8b, 1, 2, 3, 4]));
    expect((await refused('fake.json.gz')).message).toMatch(/fake\.json\.gz: cannot be read: /);
  });

  test('a gzip that unpacks to a gigabyte', async () => {
    const zeros = gzipSync(new Uint8Array(2 ** 26));
    await write('bomb.json.gz', Buffer.concat(Array.from({ length: 16 }, () => zeros)));
    expect((await refused('bomb.json.gz')).message).toMatch(/bomb\.json\.gz: is larger than 32 MiB/);
  });

  test('a file that is too large', async () => {
    await write('large.json', new Uint8Array(2 ** 25 + 1).fill(0x20));
    expect((await refused('large.json')).message).toMatch(/large\.json: is larger than 32 MiB/);
  });

  test('a path through a file', async () => {
    expect((await refused('packed.json.gz/x')).message).toMatch(/cannot be read: ENOTDIR/);
  });
});
