// A step of beam search on a cache in the backend's memory, against reading it, putting it in order and writing it:
// 4 beams, 4,096 keys, 2 heads of 64; and the same step on pages of 16 keys, which a book deals out anew.
//
//   node scripts/beams.mjs ../packages/backend-wasm/dist/index.js …
//
// Interleaved; medians of 15 rounds. Three of four beams change their place.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { PagedCache, copyPages, tensor } from '@heed/core';
import { median } from './median.mjs';

const SHAPE = [4, 2, 4096, 64];
const PARENTS = [1, 0, 0, 3];
const ROUNDS = 15;

async function byTheHost(cache) {
  const { data, shape } = await cache.read();
  const element = data.length / shape[0];
  const ordered = new Float32Array(data.length);
  for (const [b, parent] of PARENTS.entries()) {
    ordered.set(data.subarray(parent * element, (parent + 1) * element), b * element);
  }
  await cache.write(tensor(ordered, shape), { axis: 0, start: 0 });
}

/** A step on pages: beams fork what they go on from, and the page that each writes into next becomes its own. */
async function pages(backend) {
  const [beams, heads, length, depth] = SHAPE;
  const size = 16;
  const count = (2 * beams * length) / size;
  const book = new PagedCache({ pages: count, pageSize: size });
  const pool = await backend.allocate('float32', [count, heads, size, depth]);
  let ids = Array.from({ length: beams }, () => book.open());
  for (const id of ids) book.append(id, length - size / 2);
  return async () => {
    const forks = PARENTS.map((parent) => book.fork(ids[parent]));
    for (const id of ids) book.close(id);
    ids = forks;
    const copies = ids.flatMap((id) => book.append(id, 1).copies);
    await copyPages(pool, copies);
    // The next round begins as this one.
    for (const id of ids) book.truncate(id, length - size / 2);
    book.blockTable(ids, length / size);
    await pool.read({ axis: 0, start: 0, length: 1 });
  };
}

for (const given of process.argv.slice(2)) {
  const { default: provider } = await import(
    /^[./]/.test(given) ? pathToFileURL(path.resolve(given)).href : given
  );
  const backend = await provider.create();
  const size = SHAPE.reduce((product, length) => product * length);
  const cache = await backend.upload(tensor(Float32Array.from({ length: size }, Math.random), SHAPE));
  const one = { axis: 2, start: 0, length: 1 };
  const ways = {
    'read, order, write': () => byTheHost(cache),
    'reorder()': () => cache.reorder(PARENTS),
    'gather()': async () => (await cache.gather(PARENTS)).dispose(),
    'pages: fork, append': await pages(backend),
  };
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const start = performance.now();
      await way();
      // Reading waits for everything that was queued.
      await cache.read(one);
      if (round > 0) times[name].push(performance.now() - start);
    }
  }
  const whole = median(times['read, order, write']);
  console.log(`${backend.name} (${backend.device}), Node ${process.version}`);
  for (const [name, list] of Object.entries(times)) {
    console.log(`  ${name.padEnd(20)} ${median(list).toFixed(2)} ms  ${(median(list) / whole).toFixed(2)}`);
  }
  await backend.dispose();
}
