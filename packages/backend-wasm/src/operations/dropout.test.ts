import { dropoutOnThreads } from '@heed/testing';
import { describe } from 'vitest';
import wasm from '../index.ts';

describe('elementDropout', () => {
  dropoutOnThreads((threads) => wasm.create({ threads }));
});
