import { pagedSequences } from '@heed/testing';
import wasm from './index.ts';

pagedSequences(() => wasm.create({ threads: 2 }));
