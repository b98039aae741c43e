/** Buffers of a device that are made and not yet destroyed, and their bytes. */
export interface LiveBuffers {
  count: number;
  bytes: number;
  /** The most bytes at one time. */
  peak: number;
}

/** Counts the buffers of a device from now on. */
export function watchBuffers(device: GPUDevice): LiveBuffers {
  const live: LiveBuffers = { count: 0, bytes: 0, peak: 0 };
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    let isAlive = true;
    const change = (sign: 1 | -1): void => {
      live.count += sign;
      live.bytes += sign * descriptor.size;
      live.peak = Math.max(live.peak, live.bytes);
    };
    change(1);
    buffer.destroy = () => {
      if (isAlive) change(-1);
      isAlive = false;
      destroy();
    };
    return buffer;
  };
  return live;
}
