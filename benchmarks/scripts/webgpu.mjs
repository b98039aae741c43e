// Attention on WebGPU in one headless Chromium, on one adapter: heed's backend beside onnxruntime-web, jax-js, tfjs-backend-webgpu and
// gpu.js. Outputs are compared with plain TypeScript first; only those that are right are timed, in turns, by medians. Inputs are on the
// device before; a run ends with its output on the host. Prints a table for each workload, and the ratio to the fastest right peer.
//
//   node scripts/webgpu.mjs [--lengths 512,1024,2048] [--workloads dense,causal,decode] [--rounds 3] [--limit 20000] [--flags=...]
//     [--contestants 'heed webgpu,heed webgpu without subgroups,onnxruntime-web,jax-js,tfjs-backend-webgpu,gpu.js (heed gpujs)']
//
// `--limit`: a contestant whose second run takes longer, in milliseconds, is not timed again: that run stands for it, and longer
// lengths go without it.
// HEED_CHROMIUM names another browser. SwiftShader, a GPU in software, takes part where there is no other.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { rolldown } from 'rolldown';
import { onnxModel } from '../../conformance/peers/dist/index.js';

const { values } = parseArgs({
  options: {
    lengths: { type: 'string', default: '512,1024,2048' },
    workloads: { type: 'string', default: 'dense,causal,decode' },
    contestants: {
      type: 'string',
      default: 'heed webgpu,onnxruntime-web,jax-js,tfjs-backend-webgpu,gpu.js (heed gpujs)',
    },
    rounds: { type: 'string', default: '3' },
    limit: { type: 'string', default: '20000' },
    flags: { type: 'string', default: '--enable-unsafe-webgpu' },
  },
});
const [HEADS, DEPTH, DECODED] = [8, 64, 16_384];
const browserPath = process.env.HEED_CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(browserPath)) {
  throw new Error(`there is no Chromium at ${browserPath}; apt-get install chromium, or set HEED_CHROMIUM`);
}

/** ONNX Runtime's operator for WebGPU, as base64. */
function modelOf({ queries, keys, causal }) {
  const rows = (name, length) => ({ name, type: 'float32', shape: [1, length, HEADS * DEPTH] });
  const bytes = onnxModel({
    operator: 'MultiHeadAttention',
    domain: 'com.microsoft',
    version: 1,
    attributes: { integers: { num_heads: HEADS, ...(causal && { unidirectional: 1 }) } },
    inputs: [rows('Q', queries), rows('K', keys), rows('V', keys)],
    outputs: [rows('Y', queries)],
  });
  return Buffer.from(bytes).toString('base64');
}

const build = await rolldown({
  input: fileURLToPath(new URL('./webgpu/page.mjs', import.meta.url)),
  platform: 'browser',
  logLevel: 'silent',
});
const { output } = await build.generate({ format: 'esm' });
await build.close();
const files = new Map(
  output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]),
);
const ort = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
const TYPES = { '.mjs': 'text/javascript', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const server = createServer(({ url }, response) => {
  const file = url.startsWith('/ort/') && path.join(ort, path.basename(url));
  const body = files.get(url) ?? (file && existsSync(file) ? readFileSync(file) : null);
  if (body === null && url !== '/') return void response.writeHead(404).end();
  response
    .setHeader('Content-Type', TYPES[path.extname(url)] ?? 'text/html')
    .end(body ?? '<!doctype html><script type=module src=/page.js></script>');
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', ...values.flags.split(',')],
});
const page = await browser.newPage();
page.setDefaultTimeout(0);
page.on('pageerror', (error) => process.stderr.write(`page: ${error.message}\n`));
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.waitForFunction(() => window.measure !== undefined, undefined, { timeout: 60_000 });
console.log(
  `Chromium ${browser.version()}, ${cpus()[0].model.trim()}, ${cpus().length} cores, H=${HEADS} D=${DEPTH}, float32`,
);

const lengths = values.lengths.split(',').map(Number);
const workloads = values.workloads.split(',').flatMap((kind) =>
  kind === 'decode'
    ? [{ title: `decode, ${DECODED} keys`, queries: 1, keys: DECODED, causal: false }]
    : lengths.map((length) => ({
        title: `${kind} ${length}`,
        queries: length,
        keys: length,
        causal: kind === 'causal',
      })),
);
const names = values.contestants.split(',');
const slow = new Map();
for (const { title, ...workload } of workloads) {
  const results = await page.evaluate((given) => window.measure(given), {
    ...workload,
    names: names.filter((name) => !(workload.queries > 1 && slow.get(name) < workload.queries)),
    heads: HEADS,
    depth: DEPTH,
    model: modelOf(workload),
    rounds: Number(values.rounds),
    limit: Number(values.limit),
    tolerance: 2e-4,
  });
  console.log(`\n${title}`);
  const own = results[0].time ?? results[0].warm;
  const peers = [];
  for (const { name, device, warm, error, isRight, refusal, time } of results) {
    if (refusal !== undefined) console.log(`  ${name}: cannot: ${refusal}`);
    else if (!isRight) console.log(`  ${name}: wrong, by ${error.toExponential(1)} (${device})`);
    else {
      if (time === null) slow.set(name, workload.queries);
      const took = time ?? warm;
      if (!name.startsWith('heed')) peers.push([name, took / own]);
      const ratio = name === results[0].name ? '' : `, ${(took / own).toFixed(2)} × heed's time`;
      console.log(`  ${name}: ${took.toFixed(1)} ms${ratio}, error ${error.toExponential(1)} (${device})`);
    }
  }
  const [fastest] = peers.sort((a, b) => a[1] - b[1]);
  if (fastest) console.log(`  ${fastest[1].toFixed(2)} × as fast as the fastest right peer, ${fastest[0]}`);
}
await browser.close();
server.close();
