import type { ResidentTensor, Tensor } from '@heed/core';
import { Turns } from '../inside/turns.ts';
import type { Step } from './attention.ts';
import type { DecoderBlock } from './block.ts';

/** The stream after the last block, of that before the first. In the backend's memory it goes from block to block, as far as they stay there. */
export async function throughBlocks(
  blocks: readonly DecoderBlock[],
  embedded: Tensor<'float32'>,
  step: Step,
): Promise<Tensor<'float32'>> {
  const { backend, run } = step;
  let here = embedded;
  let there: ResidentTensor<'float32'> | null = null;
  const turns = new Turns(run.signal);
  try {
    for (const block of blocks) {
      if (block.staysOn(step)) {
        const before: ResidentTensor<'float32'> = there ?? (await backend.upload(here));
        there = before;
        there = await block.stay(before, step);
        before.dispose();
      } else {
        if (there !== null) here = await there.read();
        there?.dispose();
        there = null;
        await block.forward(here, step);
      }
      await turns.give();
    }
    return there === null ? here : await there.read();
  } finally {
    there?.dispose();
  }
}
