import { type Scheme } from '@heed/heatmap';
import { useMemo } from 'preact/hooks';
import type { Sight } from '../engine/question.ts';
import { rowOf } from '../state/explain.ts';
import { Grid, largestOf } from './grid.tsx';
import { MatrixMap } from './map.tsx';
import { Sentence } from './sentence.tsx';
import { textOf } from './cell-style.ts';

interface SightProps {
  readonly answer: Sight;
  readonly head: number;
  readonly token: number;
  readonly domain: readonly [number, number];
  readonly scheme: Scheme;
  readonly label: string;
  readonly onSelect: (token: number) => void;
}

const LARGEST_GRID = 24;

/** A sentence with the attention of one of its tokens, in words. */
export function Seen({ answer, head, token, domain, scheme, onSelect }: Omit<SightProps, 'label'>) {
  const { tokens, weights } = answer;
  const row = rowOf(weights, tokens.length, tokens.length, head, token);
  const best = largestOf(row);
  const nothing = row[best] === 0;
  return (
    <>
      <Sentence {...{ tokens, domain, scheme, onSelect }} selected={token} weights={row} />
      <p class="claim" role="status">
        “<bdi>{textOf(tokens[token]!)}</bdi>” looks{' '}
        {nothing ? (
          'at nothing'
        ) : (
          <>
            most at “<bdi>{textOf(tokens[best]!)}</bdi>” <b>{row[best]!.toFixed(3)}</b>
          </>
        )}
      </p>
    </>
  );
}

/** The head's whole matrix, with numbers where they fit. */
export function Matrix({ answer, head, token, domain, scheme, label, onSelect }: SightProps) {
  const { tokens } = answer;
  const weights = useMemo(() => {
    const size = tokens.length ** 2;
    return answer.weights.subarray(head * size, (head + 1) * size);
  }, [answer, head]);
  const Shown = tokens.length > LARGEST_GRID ? MatrixMap : Grid;
  return <Shown {...{ label, tokens, weights, domain, scheme, onSelect }} selected={token} />;
}

/** Domain from 0 to the largest weight shown; among many, to one that few exceed. */
export function domainOf(head: number, ...answers: readonly Sight[]): readonly [number, number] {
  const largest = answers.map(({ tokens, weights, strong }) => {
    if (tokens.length > LARGEST_GRID) return strong;
    const size = tokens.length ** 2;
    return weights.subarray(head * size, (head + 1) * size).reduce((most, value) => Math.max(most, value), 0);
  });
  return [0, Math.max(...largest) || 1];
}
