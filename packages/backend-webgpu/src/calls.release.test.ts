import { test } from 'vitest';
import webgpu from './index.ts';
import { expectBounded } from './test/bounded.ts';
import { isRequired, useSoftwareVulkan } from '@heed/testing';

useSoftwareVulkan();
const { available } = await webgpu.probe();

test.skipIf(!available && !isRequired('webgpu'))(
  'buffers and pipelines are bounded over 1,000 calls of changing lengths, and gone after dispose()',
  () => expectBounded(1000),
);
