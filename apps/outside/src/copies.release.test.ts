import { cpSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Project, emptyProject } from './projects/project.ts';

/** A program in which `mine` is the user's copy of core and `theirs` that of another package. */
const PROGRAM = `
import * as mine from '@heed/core';
import backendProvider from '@heed/backend-ts';
import { theirs } from 'with-a-copy';

const attempt = async (work) => {
  try {
    await work();
    return null;
  } catch (error) {
    return { isInstance: mine.HeedError.isInstance(error), instanceOf: error instanceof mine.HeedError, code: error.code };
  }
};
const backend = await backendProvider.create();
const x = theirs.tensor(new Float32Array([1, 2, 3, 4]), [1, 1, 2, 2]);
const resident = await backend.upload(x);
const other = await backendProvider.create();
const { output } = await mine.attention(backend, { query: x, key: resident, value: x });
console.log(JSON.stringify({
  twoCopies: mine.HeedError !== theirs.HeedError,
  thrownThere: await attempt(() => theirs.tensor(new Float32Array(3), [2, 2])),
  refused: await attempt(() => mine.attention(backend, { query: x, key: x, value: theirs.tensor(new Float32Array(6), [1, 1, 3, 2]) })),
  foreign: await attempt(() => mine.attention(other, { query: x, key: resident, value: x })),
  isResident: theirs.isResident(resident),
  output: output.shape,
}));
`;

describe('two copies of core in one program', () => {
  let project: Project;
  beforeAll(async () => {
    project = emptyProject(inject('world'), 'copies');
    await project.run('npm', 'install', '@heed/core', '@heed/backend-ts');
    project.write(
      'node_modules/with-a-copy/package.json',
      '{ "name": "with-a-copy", "type": "module", "exports": "./index.js" }',
    );
    project.write('node_modules/with-a-copy/index.js', "export * as theirs from '@heed/core';\n");
    const copy = path.join(project.folder, 'node_modules/with-a-copy/node_modules/@heed/core');
    cpSync(path.join(project.folder, 'node_modules/@heed/core'), copy, { recursive: true });
  });

  test.each(['the user and the backend share one', 'the backend has the other'])(
    "each recognizes the other's errors and tensors: %s",
    async (which) => {
      if (which.startsWith('the backend')) {
        cpSync(
          path.join(project.folder, 'node_modules/@heed/core'),
          path.join(project.folder, 'node_modules/@heed/backend-ts/node_modules/@heed/core'),
          { recursive: true },
        );
      }
      project.write('program.js', PROGRAM);
      expect(JSON.parse((await project.run('node', 'program.js')).stdout)).toEqual({
        twoCopies: true,
        thrownThere: { isInstance: true, instanceOf: false, code: 'SHAPE' },
        refused: { isInstance: true, instanceOf: true, code: 'SHAPE' },
        foreign: { isInstance: true, instanceOf: which.startsWith('the user'), code: 'FOREIGN_TENSOR' },
        isResident: true,
        output: [1, 1, 2, 2],
      });
    },
  );
});
