import type { Question } from '../engine/question.ts';

/** What a picture shows, in words: the layer and head, and everything that is not as the model was trained. */
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
