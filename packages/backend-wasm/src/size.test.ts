import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

test('minified and gzipped, the package is under 46 KB', async () => {
  const input = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  const build = await rolldown({
    input,
    platform: 'browser',
    external: /^@heed\/core(\/backend|\/operations)?$/,
  });
  const { output } = await build.generate({ format: 'esm', minify: true });
  await build.close();
  expect(output).toHaveLength(1);
  expect(gzipSync(output[0].code).length).toBeLessThan(46_000);
});
