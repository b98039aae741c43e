// The modes of gpu.js beside each other: dense attention, B=1 H=4 D=64, plain arrays in and out, median milliseconds. In
// Node, then in headless Chromium.
//
//   node scripts/modes.mjs [--length 256] [--rounds 5]
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { openPage } from '../dist/test/chromium.js';
import { useSoftwareVulkan } from '../dist/test/software-vulkan.js';

useSoftwareVulkan();
const { values } = parseArgs({
  options: { length: { type: 'string', default: '256' }, rounds: { type: 'string', default: '5' } },
});

// What a page has of the tests' own module, Node has too.
globalThis.window = {};
await import('../dist/test/page.js');
const { timeMode } = globalThis.window;
delete globalThis.window;
const { page, close } = await openPage();
const inChromium = (...args) => page.evaluate((all) => window.timeMode(...all), args);

console.log(
  `${cpus()[0].model}, ${cpus().length} processors, node ${process.versions.node}, L=${values.length}`,
);
for (const [place, time, modes] of [
  ['node', timeMode, ['cpu', 'webasm', 'webgpu']],
  ['chromium', inChromium, ['cpu', 'webasm', 'webgl', 'webgl2', 'webgpu']],
]) {
  for (const mode of modes) {
    const { device, time: milliseconds } = await time(mode, Number(values.length), Number(values.rounds));
    console.log(`${place.padEnd(9)} ${milliseconds.toFixed(1).padStart(9)} ms  ${device}`);
  }
}
await close();
