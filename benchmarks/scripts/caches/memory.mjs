// Memory of a process with a cache of 65,536 keys × 8 heads of 64 in one type, filled 1,024 keys at a time, and its peak over three
// decoding steps. Linux tells and resets the peak. Prints a line of JSON.
//
//   node memory.mjs MODULE TYPE GROUP
import { readFileSync, writeFileSync } from 'node:fs';
import { attention, cast, quantize, tensor } from '@heed/core';

const [, , module, type, group] = process.argv;
const [HEADS, KEYS, DEPTH, PART] = [8, 65_536, 64, 1024];
const { default: provider } = await import(module);
const backend = await provider.create({ threads: 1 });
const isQuantized = type.startsWith('int');
const width = type === 'int4x2' ? DEPTH / 2 : DEPTH;

function status(name) {
  return 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}

function random(...shape) {
  const size = shape.reduce((product, length) => product * length);
  return tensor(Float32Array.from({ length: size }, Math.random), shape);
}

/** Rows in the type, by the names of the inputs. */
function rows(name, count) {
  const given = random(1, HEADS, count, DEPTH);
  if (!isQuantized) return { [name]: cast(given, type) };
  const { numbers, scales } = quantize(given, type, { group: Number(group) });
  return { [name]: numbers, [`${name}Scales`]: scales };
}

// Everything runs once on a small cache, so that no code is counted.
const query = random(1, HEADS, 1, DEPTH);
await attention(backend, { query, ...rows('key', PART), ...rows('value', PART) });
globalThis.gc();
const before = status('VmRSS');
const cache = {};
for (const name of ['key', 'value']) {
  cache[name] = await backend.allocate(type, [1, HEADS, KEYS, width]);
  if (isQuantized)
    cache[`${name}Scales`] = await backend.allocate('float32', [1, HEADS, KEYS, DEPTH / Number(group)]);
}
for (let start = 0; start < KEYS; start += PART) {
  for (const name of ['key', 'value']) {
    for (const [part, one] of Object.entries(rows(name, PART)))
      await cache[part].write(one, { axis: 2, start });
  }
}
globalThis.gc();
const filled = status('VmRSS');
writeFileSync('/proc/self/clear_refs', '5');
for (let n = 0; n < 3; n++) await attention(backend, { query, ...cache });
const peak = status('VmHWM');
console.log(JSON.stringify({ cache: filled - before, steps: peak - filled }));
process.exit(0);
