import type { MigrationTable } from '../table.ts';
import { jax } from './jax.ts';
import { keras } from './keras.ts';
import { onnx } from './onnx.ts';
import { torchFlex } from './torch-flex.ts';
import { torchMultihead } from './torch-multihead.ts';
import { torchSdpa } from './torch-sdpa.ts';

export const TABLES: readonly MigrationTable[] = [torchSdpa, torchMultihead, torchFlex, keras, jax, onnx];
