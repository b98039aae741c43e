import { type BackendProvider, withOptions } from '@heed/core';
import webgpu, { type WebgpuOptions } from '../index.ts';

/** The provider with these options. */
export function providerOf(options: WebgpuOptions): BackendProvider<WebgpuOptions> {
  return withOptions(webgpu, options);
}
