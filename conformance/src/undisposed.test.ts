import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

test('the suite disposes the tensors that it makes: collecting the others tells of none', () => {
  const program = `
    import reference from '@heed/core/reference';
    import { verify } from '@heed/conformance';

    const { passed, failed } = await verify(reference, { clauses: ['resident'] });
    for (let n = 0; n < 10; n++) {
      await new Promise((resolve) => setTimeout(resolve));
      gc();
    }
    console.log(passed > 20, failed);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', '--input-type=module', '-e', program],
    { encoding: 'utf8', cwd: path.resolve(import.meta.dirname, '..') },
  );
  expect({ stdout, stderr }).toEqual({ stdout: 'true 0\n', stderr: '' });
});
