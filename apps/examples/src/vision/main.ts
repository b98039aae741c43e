// pnpm --filter @heed/examples vision [PICTURE.png] [--model FOLDER] [--backend NAME] [--size PIXELS]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createBackend } from '../backends.ts';
import { folderFault, provisioned } from '../model-files.ts';
import { readPNG, squareOf } from './png.ts';
import { sideBySide, visionViews } from './views.ts';
import { VISION_FILES, astronaut, loadVision } from './vision-folder.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: provisioned('vit-s-focus') },
    backend: { type: 'string', default: 'wasm' },
    size: { type: 'string', default: '224' },
  },
});
const fault = folderFault(values.model, VISION_FILES);
if (fault !== null) {
  console.error(fault);
  process.exit(2);
}
const [file] = positionals;
const picture = squareOf(file === undefined ? astronaut() : readPNG(readFileSync(file)), Number(values.size));
const backend = await createBackend(values.backend);
const { model, head } = await loadVision(backend, values.model);
const start = performance.now();
const { views } = await visionViews(backend, model, head, picture);
console.log(`${backend.name}, ${backend.device}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
for (const { title, description } of views) console.log(`${title}: ${description}`);
mkdirSync('heatmaps', { recursive: true });
writeFileSync('heatmaps/vision.svg', sideBySide('What a vision transformer looks at', views));
console.log('\nheatmaps/vision.svg');
await backend.dispose();
