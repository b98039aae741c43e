import { dropoutOnThreads } from '@heed/testing';
import { describe } from 'vitest';
import native from '../index.ts';

const { available } = await native.probe();

describe.runIf(available)('elementDropout', () => {
  dropoutOnThreads((threads) => native.create({ threads }));
});
