import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, inject, test } from 'vitest';
import { heedJSON, projectAt } from './projects/project.ts';
import { platform } from './release/workspace.ts';

const project = projectAt(inject('world'), inject('everyday'));

test("npm installs this platform's native file with its backend, and no other", () => {
  const installed = readdirSync(path.join(project.folder, 'node_modules/@heed'));
  expect(installed.filter((name) => name.startsWith('native-'))).toEqual([`native-${platform}`]);
  expect(readdirSync(path.join(project.folder, `node_modules/@heed/native-${platform}`))).toContain(
    'heed.node',
  );
});

test('the backend computes with it', async () => {
  const { value } = await heedJSON<{
    backends: [{ status: string; device: string; reason: string; remedy: string }];
  }>(project, 'doctor', 'native');
  // `reason` says why where it is not available.
  expect(value.backends[0]).toMatchObject({
    status: 'available',
    reason: null,
    device: expect.stringMatching(/^native /) as string,
  });
});
