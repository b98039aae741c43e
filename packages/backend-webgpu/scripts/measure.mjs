// Runs the suite on this machine's adapter, then measures: GFLOP/s of useful work, and the share of the peak that a
// shader of multiply-adds reaches in the same run. `--quick` leaves the suite out and measures short lengths.
import { verify } from '@heed/conformance';
import { resolveRequest, tensor } from '@heed/core';
import { useSoftwareVulkan } from '@heed/testing';
import { createBackend } from '../dist/backend.js';
import webgpu from '../dist/index.js';
import { openEngine } from '../dist/platform/engine.js';

useSoftwareVulkan();
const quick = process.argv.includes('--quick');

const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];

async function timed(work, rounds = 5) {
  await work();
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return median(times);
}

/** Measures the peak: eight chains of vectors of four in each invocation. */
async function peakOf(device) {
  const chains = 8;
  const groups = quick ? 64 : 8192;
  const rounds = 4096;
  const each = (code) => Array.from({ length: chains }, (_, n) => code(n)).join('\n');
  const code = `@group(0) @binding(0) var<storage, read_write> result: array<vec4f>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = vec4f(f32(id.x) * 1e-9);
  ${each((n) => `var a${n} = x + vec4f(${n}.5);`)}
  for (var round = 0; round < ${rounds}; round++) { ${each((n) => `a${n} = fma(a${n}, x, x);`)} }
  result[id.x] = ${Array.from({ length: chains }, (_, n) => `a${n}`).join(' + ')};
}`;
  const compute = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  });
  const buffer = device.createBuffer({ size: 16 * 64 * groups, usage: 0x80 });
  const bindGroup = device.createBindGroup({
    layout: compute.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const seconds = await timed(async () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(compute);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(groups);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  });
  buffer.destroy();
  return (2 * 4 * chains * rounds * 64 * groups) / seconds / 1e9;
}

if (!quick) {
  const report = await verify(webgpu);
  console.log(`${report.device}: ${report.passed} passed, ${report.failed} failed`);
  for (const { failures } of report.clauses) for (const { id, message } of failures) console.log(id, message);
  process.exitCode = report.failed === 0 ? 0 : 1;
}

const engine = await openEngine({});
const backend = createBackend(engine);
const peak = await peakOf(engine.device);
console.log(`${backend.device}: peak ${peak.toFixed(1)} GFLOP/s in multiply-adds`);

const waves = (shape, seed) =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, n) => Math.sin(seed + 1.7 * n)),
    shape,
  );

for (const depth of quick ? [64] : [64, 128]) {
  for (const length of quick ? [512, 1024] : [1024, 4096, 16_384]) {
    for (const kind of ['dense', 'causal', 'decode']) {
      const heads = quick ? 2 : 16;
      const queries = kind === 'decode' ? 1 : length;
      const request = {
        query: waves([1, heads, queries, depth], 1),
        key: waves([1, heads, length, depth], 2),
        value: waves([1, heads, length, depth], 3),
        ...(kind === 'causal' && { causal: true }),
      };
      const { problem, inputs } = resolveRequest(request);
      const resident = { ...inputs };
      for (const name of ['query', 'key', 'value']) resident[name] = await backend.upload(inputs[name]);
      const compiling = performance.now();
      const kernel = await backend.compile(problem);
      const compiled = performance.now() - compiling;
      const seconds = await timed(async () => {
        const { output } = await kernel.run(resident, { resident: true });
        await engine.device.queue.onSubmittedWorkDone();
        output.dispose();
      }, 3);
      const useful = (4 * heads * queries * length * depth) / (kind === 'causal' ? 2 : 1);
      const speed = useful / seconds / 1e9;
      console.log(
        `${kind} N=${length} H=${heads} D=${depth}: ${(1000 * seconds).toFixed(2)} ms, ${speed.toFixed(1)} GFLOP/s,` +
          ` ${((100 * speed) / peak).toFixed(0)}% of the peak, compiled in ${compiled.toFixed(0)} ms`,
      );
      for (const name of ['query', 'key', 'value']) resident[name].dispose();
      await kernel.dispose();
    }
  }
}
await backend.dispose();
