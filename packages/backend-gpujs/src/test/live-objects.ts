/** Counts the live objects on a device: GPU buffers, with their bytes, or textures. */
export interface Live {
  count: number;
  bytes: number;
  /** Maximum number of bytes at one time. */
  peak: number;
}

/** Watches the buffers of a WebGPU device from now on. */
export function watchBuffers(device: GPUDevice): Live {
  const live: Live = { count: 0, bytes: 0, peak: 0 };
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    let isAlive = true;
    add(live, 1, descriptor.size);
    buffer.destroy = () => {
      if (isAlive) add(live, -1, -descriptor.size);
      isAlive = false;
      destroy();
    };
    return buffer;
  };
  return live;
}

/** Watches the textures of all WebGL contexts from now on; their sizes are not known. */
export function watchTextures(contexts: {
  readonly prototype: WebGLRenderingContext | WebGL2RenderingContext;
}): Live {
  const live: Live = { count: 0, bytes: 0, peak: 0 };
  const { prototype } = contexts;
  const { createTexture, deleteTexture } = prototype;
  const alive = new WeakSet<WebGLTexture>();
  prototype.createTexture = function create(this: WebGLRenderingContext) {
    const texture = createTexture.call(this);
    alive.add(texture);
    add(live, 1, 0);
    return texture;
  };
  prototype.deleteTexture = function remove(this: WebGLRenderingContext, texture) {
    if (texture !== null && alive.delete(texture)) add(live, -1, 0);
    deleteTexture.call(this, texture);
  };
  return live;
}

function add(live: Live, count: number, bytes: number): void {
  live.count += count;
  live.bytes += bytes;
  live.peak = Math.max(live.peak, live.bytes);
}
