import type { Question } from '../engine/question.ts';

/** Caption of a picture: the layer and head, and everything that differs from the trained model. */
export function captionOf(question: Question, head: number): string {
  const { layer, causal, window, selection, seed, temperature } = question;
  return [
    `Layer ${layer}`,
    `head ${head}`,
    ...(causal ? ['causal'] : []),
    ...(window === null ? [] : [`window ±${window}`]),
    ...(selection === 'argmax' ? ['hard'] : []),
    ...(selection === 'sample' ? [`sampled (seed ${seed})`] : []),
    ...(temperature === 1 ? [] : [`temperature ${temperature}`]),
  ].join(', ');
}
