import { type BackendProvider, withOptions } from '@heed/core';
import webgpu, { type WebgpuOptions } from '../index.ts';

/** Every way in which kernels run on an adapter that has subgroups. */
export const OPTIONS: Readonly<Record<string, WebgpuOptions>> = {
  subgroups: {},
  'no subgroups': { subgroups: false },
};

/** The provider with these options. */
export function providerOf(options: WebgpuOptions): BackendProvider<WebgpuOptions> {
  return withOptions(webgpu, options);
}
