import type { Project } from './project.ts';

/** A bundler: the package to install, the script that bundles `program.js` into `out/NAME/`, and the file there that runs. */
interface Bundler {
  readonly install: string;
  readonly file: string;
  readonly script: string;
}

export const BUNDLERS: Readonly<Record<string, Bundler>> = {
  esbuild: {
    install: 'esbuild@0.28',
    file: 'program.mjs',
    script: `import { build } from 'esbuild';
await build({ entryPoints: ['program.js'], bundle: true, platform: 'node', format: 'esm', outfile: 'out/esbuild/program.mjs' });`,
  },
  'esbuild as CommonJS': {
    install: 'esbuild@0.28',
    file: 'program.cjs',
    script: `import { build } from 'esbuild';
await build({
  entryPoints: ['program.js'],
  bundle: true,
  platform: 'node',
  format: 'cjs',
  logLevel: 'error',
  outfile: 'out/esbuild as CommonJS/program.cjs',
});`,
  },
  vite: {
    install: 'vite@8',
    file: 'program.mjs',
    script: `import { build } from 'vite';
await build({
  configFile: false,
  logLevel: 'error',
  build: {
    outDir: 'out/vite',
    target: 'es2022',
    lib: { entry: 'program.js', formats: ['es'], fileName: () => 'program.mjs' },
    rollupOptions: { external: /^node:/, output: { chunkFileNames: '[name].mjs' } },
  },
});`,
  },
  webpack: {
    install: 'webpack@5',
    file: 'program.cjs',
    script: `import webpack from 'webpack';
const stats = await new Promise((resolve, reject) =>
  webpack(
    {
      mode: 'production',
      target: 'node',
      entry: './program.js',
      output: { path: process.cwd() + '/out/webpack', filename: 'program.cjs', chunkFilename: '[name].cjs' },
    },
    (error, made) => (error ? reject(error) : resolve(made)),
  ),
);
if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));`,
  },
};

/** The packages of all bundlers, for `npm install`. */
export const BUNDLER_PACKAGES: readonly string[] = [
  ...new Set(Object.values(BUNDLERS).map(({ install }) => install)),
];

/** Bundles `program.js` of a project into `out/NAME/`. */
export async function bundle(project: Project, name: string): Promise<void> {
  const script = project.write(`${name}.mjs`, BUNDLERS[name]!.script);
  await project.run('node', script);
}
