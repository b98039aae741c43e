import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import ts from '@heed/backend-ts';
import { loadCapture } from '@heed/conformance';
import { attention, tensor } from '@heed/core';
import { heatmap } from '@heed/heatmap';
import { toPNG } from '@heed/heatmap/png';
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
  /picture|layer5-self-attention|embeddings-|batch-|scaled-dot-product|attention\.json|\.map$|-(?:vietnamese|cyrillic|greek)/;

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

/** Address of the deployed page, which links to it need for their picture: `HEED_PLAYGROUND=https://… pnpm build`. */
const ADDRESS = process.env['HEED_PLAYGROUND'] ?? '';

/** The picture that links to the page show: the head in which "bank" looks at "river". */
function pictureOfLinks(): Plugin {
  const fileName = 'picture.png';
  return {
    name: 'picture-of-links',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { property: 'og:image', content: `${ADDRESS}${fileName}` }, injectTo: 'head' },
    ],
    async generateBundle() {
      const { tokens, layers } = await loadCapture('bank-river');
      const { query, key, value, scale } = layers[0]!;
      const backend = await ts.create();
      const { weights } = await attention(backend, { query, key, value, scale, weights: true });
      await backend.dispose();
      const [head, length] = [4, tokens.length];
      const data = weights.data.slice(head * length * length, (head + 1) * length * length);
      const title = 'What a trained model attends to';
      const view = heatmap(tensor(data, [length, length]), { rows: tokens, columns: tokens, title });
      this.emitFile({ type: 'asset', fileName, source: await toPNG(view) });
    },
  };
}

export default defineConfig({
  root: 'src',
  // Any folder of any static host.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  plugins: [licenses(), pictureOfLinks(), offline()],
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
