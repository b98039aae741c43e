import { existsSync } from 'node:fs';
import os from 'node:os';

const FOLDER = '/usr/lib/chromium';
const DRIVER = `${FOLDER}/vk_swiftshader_icd.json`;
/** Keeps the library loaded when it fails to register as a module, which it is not. */
const RTLD_NODELETE = 0x1000;

/**
 * Lets Dawn find SwiftShader, the software Vulkan that comes with Debian's chromium, unless `VK_ICD_FILENAMES` names a
 * driver. Call it before the first request for WebGPU.
 */
export function useSoftwareVulkan(): void {
  if (process.env['VK_ICD_FILENAMES'] !== undefined || !existsSync(DRIVER)) return;
  process.env['VK_ICD_FILENAMES'] = DRIVER;
  try {
    process.dlopen({ exports: {} }, `${FOLDER}/libvulkan.so.1`, os.constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch {
    // It is a library, not an add-on, but it is loaded now, under the name that Dawn looks for.
  }
}
