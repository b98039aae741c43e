import { THREADS } from '../shader/module.ts';
import { COPY_DST, COPY_SRC, MAP_READ, STORAGE } from './constants.ts';

/** The largest part of a subgroup that kernels use. */
const MAXIMUM = 64;

/**
 * Writes, for each invocation, whether its place in its subgroup is that of its index in the workgroup. The
 * specification does not say so, and shuffles among neighbors are right only if it is so.
 */
const PROBE = `enable subgroups;
@group(0) @binding(0) var<storage, read_write> isInOrder: array<u32>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(local_invocation_index) thread: u32, @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) size: u32) {
  isInOrder[thread] = select(0u, 1u, lane == thread % size && size >= 4u);
}`;

/**
 * Number of neighboring invocations that can exchange numbers without workgroup memory: the smallest subgroup that the
 * adapter may choose, a power of two from 4 on; 1 if subgroups cannot be used.
 */
export async function subgroupOf(device: GPUDevice): Promise<number> {
  const smallest = device.features.has('subgroups') ? (device.adapterInfo.subgroupMinSize ?? 1) : 1;
  const isUsable = smallest >= 4 && Number.isInteger(Math.log2(smallest));
  return isUsable && (await areInOrder(device)) ? Math.min(smallest, MAXIMUM) : 1;
}

async function areInOrder(device: GPUDevice): Promise<boolean> {
  const size = 4 * THREADS;
  const buffer = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
  const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  try {
    const compute = await device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code: PROBE }), entryPoint: 'main' },
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(compute);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: compute.getBindGroupLayout(0),
        entries: [{ binding: 0, resource: { buffer } }],
      }),
    );
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    return new Uint32Array(staging.getMappedRange()).every((isInOrder) => isInOrder === 1);
  } finally {
    buffer.destroy();
    staging.destroy();
  }
}
