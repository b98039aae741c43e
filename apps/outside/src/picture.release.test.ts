import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { BUNDLERS, BUNDLER_PACKAGES, bundle } from './projects/bundlers.ts';
import { type Project, emptyProject, projectAt } from './projects/project.ts';

/** Draws a picture whose labels need both fonts, and prints its hash. */
const HASH = `
import { createHash } from 'node:crypto';
import { tensor } from '@heed/core';
import { heatmap } from '@heed/heatmap';
import { toPNG } from '@heed/heatmap/png';
const hash = async () => {
  const view = heatmap(tensor(new Float32Array([0.25, 0.75]), [1, 2]), { columns: ['river', '银行'] });
  return createHash('sha256').update(await toPNG(view)).digest('hex');
};
`;

describe('a PNG is the same bits, drawn', () => {
  const world = inject('world');
  let project: Project;
  let expected: string;

  beforeAll(async () => {
    project = emptyProject(world, 'picture');
    await project.run(
      'npm',
      'install',
      '@heed/core',
      '@heed/heatmap',
      ...BUNDLER_PACKAGES,
      ...['next@16', 'react@19', 'react-dom@19'],
    );
    project.write('program.js', `${HASH}hash().then((text) => console.log(text));\n`);
    expected = (await project.run('node', 'program.js')).stdout.trim();
    expect(expected).toHaveLength(createHash('sha256').digest('hex').length);
  });

  test.each(Object.entries(BUNDLERS))('from a bundle of %s, alone', async (name, { file }) => {
    await bundle(project, name);
    const nowhere = mkdtempSync(path.join(world.home, `${name}-`));
    cpSync(path.join(project.folder, 'out', name), nowhere, { recursive: true });
    expect((await projectAt(world, nowhere).run('node', file)).stdout.trim()).toBe(expected);
  });

  test.each(['--turbopack', '--webpack'])("on Next's server, built with %s", async (bundler) => {
    const route = `${HASH}
export const dynamic = 'force-static';
export const GET = async () => new Response(await hash());
`;
    const folder = `next${bundler}`;
    project.write(`${folder}/app/hash/route.js`, route);
    project.write(
      `${folder}/app/layout.js`,
      'export default function Layout({ children }) { return <html><body>{children}</body></html>; }\n',
    );
    await project.run('npx', '--no', 'next', 'build', folder, bundler);
    expect(project.read(`${folder}/.next/server/app/hash.body`)).toBe(expected);
  });
});
