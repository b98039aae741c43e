/** The constants of the WebGPU specification; their globals are missing in Node. */
export const MAP_READ = 0x01;
export const COPY_SRC = 0x04;
export const COPY_DST = 0x08;
export const UNIFORM = 0x40;
export const STORAGE = 0x80;
export const COMPUTE = 0x04;
