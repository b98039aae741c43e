import { pagedSequences } from '@heed/testing';
import native from './index.ts';

pagedSequences(() => native.create({ threads: 2 }));
