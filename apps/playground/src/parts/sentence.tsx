import { type Scheme, formatCell } from '@heed/heatmap';
import { cellStyle, textOf } from './cell-style.ts';

interface SentenceProps {
  readonly tokens: readonly string[];
  /** Index of the token that looks. */
  readonly selected: number;
  /** Weights of that token. */
  readonly weights: Float32Array;
  readonly domain: readonly [number, number];
  readonly scheme: Scheme;
  readonly onSelect: (token: number) => void;
}

/** The sentence in large letters: each token as dark as the chosen one looks at it. A click chooses another. */
export function Sentence({ tokens, selected, weights, domain, scheme, onSelect }: SentenceProps) {
  const isLong = tokens.length > 24;
  return (
    <p class={isLong ? 'sentence long' : 'sentence'} role="group" aria-label="The sentence; choose a token">
      {tokens.map((token, index) => (
        <button
          key={index}
          type="button"
          class={/^\[.*\]$/.test(token) ? 'token special' : 'token'}
          aria-pressed={index === selected}
          onClick={() => onSelect(index)}
          title={`${textOf(token)}: ${weights[index]!.toFixed(3)}`}
        >
          <span class="word" style={cellStyle(weights[index]!, domain, scheme)}>
            <bdi>{textOf(token)}</bdi>
          </span>
          {!isLong && (
            <span class="weight">
              <span class="unseen">, gets </span>
              {formatCell(weights[index]!)}
            </span>
          )}
        </button>
      ))}
    </p>
  );
}
