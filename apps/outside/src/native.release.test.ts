import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, inject, test } from 'vitest';
import { platform } from './release/workspace.ts';

const folder = inject('everyday');

test("npm installs this platform's native file with its backend, and no other", () => {
  const installed = readdirSync(path.join(folder, 'node_modules/@heed'));
  expect(installed.filter((name) => name.startsWith('native-'))).toEqual([`native-${platform}`]);
});
