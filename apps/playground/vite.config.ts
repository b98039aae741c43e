import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Plugin, defineConfig } from 'vite';

const resolve = createRequire(import.meta.url).resolve;

/** Copies the licenses of the captures and the fonts along with them. */
function licenses(): Plugin {
  const cases = path.join(path.dirname(resolve('@heed/conformance/package.json')), 'cases/minilm');
  const fontLicense = (name: string): string =>
    readFileSync(
      path.join(path.dirname(resolve(`@fontsource-variable/${name}/package.json`)), 'LICENSE'),
      'utf8',
    );
  return {
    name: 'licenses',
    generateBundle() {
      const parts = [
        ['The captured model (all-MiniLM-L6-v2)', readFileSync(path.join(cases, 'LICENSE'), 'utf8')],
        ['Newsreader', fontLicense('newsreader')],
        ['Inter', fontLicense('inter')],
      ];
      const source = parts.map(([name, text]) => `${name}\n\n${text}`).join(`\n\n${'─'.repeat(72)}\n\n`);
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source });
    },
  };
}

/** Files that the page loads only on request. */
const SELDOM =
  /layer5-self-attention|embeddings-|batch-|scaled-dot-product|attention\.json|\.map$|-(?:vietnamese|cyrillic|greek)/;

/** Lists what the service worker keeps, under a name that changes with it. */
function offline(): Plugin {
  return {
    name: 'offline',
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).filter(
        (file) => !SELDOM.test(file) && !file.endsWith('service-worker.js'),
      );
      const worker = bundle['service-worker.js'];
      if (worker?.type !== 'chunk') throw new Error('there is no service-worker.js');
      worker.code = worker.code.replace('FILES_OF_THE_PAGE', JSON.stringify(['./', ...files]));
    },
  };
}

export default defineConfig({
  root: 'src',
  // Any folder of any static host.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  plugins: [licenses(), offline()],
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      input: {
        index: path.join(import.meta.dirname, 'src/index.html'),
        'service-worker': path.join(import.meta.dirname, 'src/service-worker.ts'),
      },
      output: {
        entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
});
