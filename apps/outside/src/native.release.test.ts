import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, inject, test } from 'vitest';
import { heedJSON, projectAt } from './projects/project.ts';
import { platform } from './release/workspace.ts';

const project = projectAt(inject('world'), inject('everyday'));

test("npm installs this platform's native file with its backend, and no other", () => {
  const installed = readdirSync(path.join(project.folder, 'node_modules/@heed'));
  expect(installed.filter((name) => name.startsWith('native-'))).toEqual([`native-${platform}`]);
});

test('the backend computes with it', async () => {
  const { value } = await heedJSON<{ backends: [{ status: string; device: string }] }>(
    project,
    'doctor',
    'native',
  );
  expect(value.backends[0]).toMatchObject({
    status: 'available',
    device: expect.stringMatching(/^native /) as string,
  });
});
