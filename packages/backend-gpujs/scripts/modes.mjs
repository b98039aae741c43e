// Compares the modes of gpu.js: dense attention, B=1 H=4 D=64, plain arrays in and out, in Node and in headless
// Chromium. All modes in turn, some times over: medians, and their ratios to the mode `webasm` in Node.
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
const RUNS = 3;

// The tests' module for pages expects `window`, so Node gets one.
globalThis.window = {};
await import('../dist/test/page.js');
const { timeMode } = globalThis.window;
delete globalThis.window;
const { page, close } = await openPage();
const inChromium = (...args) => page.evaluate((all) => window.timeMode(...all), args);

const contestants = [
  ...['webasm', 'cpu', 'webgpu'].map((mode) => ({ place: 'node', mode, timeMode })),
  ...['webasm', 'cpu', 'webgpu', 'webgl2', 'webgl'].map((mode) => ({
    place: 'chromium',
    mode,
    timeMode: inChromium,
  })),
].map((contestant) => ({ ...contestant, times: [], device: '' }));

for (let round = 0; round < Number(values.rounds); round++) {
  for (const contestant of contestants) {
    const { device, time } = await contestant.timeMode(contestant.mode, Number(values.length), RUNS);
    contestant.device = device;
    contestant.times.push(time);
  }
}
await close();

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const unit = median(contestants[0].times);
console.log(
  `${cpus()[0].model}, ${cpus().length} processors, node ${process.versions.node}, L=${values.length}`,
);
for (const { place, times, device } of contestants) {
  const time = median(times);
  const cells = [
    place.padEnd(9),
    time.toFixed(1).padStart(8),
    'ms',
    (time / unit).toFixed(1).padStart(6),
    '×',
  ];
  console.log(`${cells.join(' ')}  ${device}`);
}
