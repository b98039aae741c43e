import { normsOnThreads } from '@heed/testing';
import { describe } from 'vitest';
import native from '../index.ts';

const { available } = await native.probe();

describe.runIf(available)('norm', () => {
  normsOnThreads((threads) => native.create({ threads }));
});
