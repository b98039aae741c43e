// Memory of a process with a cache of 8 heads of 64 in one type, filled 128 keys at a time with the same rows, and its peak
// over three decoding steps. Linux tells and resets the peak. Prints a line of JSON, in bytes.
//
//   node --expose-gc memory.mjs MODULE TYPE GROUP KEYS
import { readFileSync, writeFileSync } from 'node:fs';
import { attention, cast, quantize, tensor } from '@heed/core';

const [, , module, type, group] = process.argv;
const KEYS = Number(process.argv[5]);
const [HEADS, DEPTH, PART] = [8, 64, 128];
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

/** Inputs that stay: memory that is free again would hide as much of the cache. */
const kept = [];

/** Rows in the type, by the names of the inputs. */
function rows(name, count) {
  const given = random(1, HEADS, count, DEPTH);
  kept.push(given);
  if (!isQuantized) return { [name]: cast(given, type) };
  const { numbers, scales } = quantize(given, type, { group: Number(group) });
  return { [name]: numbers, [`${name}Scales`]: scales };
}

/** A cache of some keys, written in as many steps as that of all keys. */
async function filled(keys) {
  const cache = {};
  for (const name of ['key', 'value']) {
    cache[name] = await backend.allocate(type, [1, HEADS, keys, width]);
    if (isQuantized)
      cache[`${name}Scales`] = await backend.allocate('float32', [1, HEADS, keys, DEPTH / Number(group)]);
  }
  for (let start = 0; start < KEYS; start += PART) {
    for (const [name, one] of Object.entries(parts))
      await cache[name].write(one, { axis: 2, start: start % keys });
  }
  return cache;
}

const parts = { ...rows('key', PART), ...rows('value', PART) };
const query = random(1, HEADS, 1, DEPTH);
// Everything has run when the growth begins.
const small = await filled(PART);
await attention(backend, { query, ...small });
globalThis.gc();
const before = status('VmRSS');
const cache = await filled(KEYS);
globalThis.gc();
const after = status('VmRSS');
writeFileSync('/proc/self/clear_refs', '5');
for (let n = 0; n < 3; n++) await attention(backend, { query, ...cache });
const peak = status('VmHWM');
console.log(JSON.stringify({ cache: after - before, steps: peak - after }));
process.exit(0);
