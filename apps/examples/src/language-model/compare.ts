// pnpm --filter @heed/examples language-model [--size small|full] [--backend NAME] [--steps N]
// Trains in float64 and compares the loss of each step with PyTorch's, which scripts/train_pytorch.py wrote.
import { parseArgs } from 'node:util';
import { createBackend } from '../backends.ts';
import { lossesOfTorch } from './losses.ts';
import { SIZES, STEPS, train } from './training.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'full' },
    backend: { type: 'string', default: 'wasm' },
    steps: { type: 'string', default: String(STEPS) },
  },
});
const { source, losses } = lossesOfTorch();
const name = values.size === 'small' ? 'small' : 'full';
const backend = await createBackend(values.backend);
const start = performance.now();
let worst = 0;
await train(backend, SIZES[name], Math.min(STEPS, Number(values.steps)), (step, loss) => {
  const difference = Math.abs(loss - losses[name][step]);
  worst = Math.max(worst, difference);
  const seconds = ((performance.now() - start) / 1000).toFixed(0).padStart(4);
  console.log(`${String(step).padStart(3)} ${loss.toFixed(6)} ${difference.toExponential(1)} ${seconds} s`);
});
await backend.dispose();
const holds = worst <= 1e-4;
console.log(
  `${name}, ${backend.device}: at most ${worst.toExponential(1)} from ${source}${holds ? '' : ', more than 1e-4'}`,
);
process.exitCode = holds ? 0 : 1;
