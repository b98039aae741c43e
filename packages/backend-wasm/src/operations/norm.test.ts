import { normsOnThreads } from '@heed/testing';
import { describe } from 'vitest';
import wasm from '../index.ts';

describe('norm', () => {
  normsOnThreads((threads) => wasm.create({ threads }));
});
