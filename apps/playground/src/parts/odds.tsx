import type { NextToken } from '../engine/reading.ts';
import { textOf } from './cell-style.ts';

interface OddsProps {
  readonly next: readonly NextToken[];
  readonly onChoose: (token: NextToken) => void;
}

/** The likeliest next tokens with their probabilities. A click writes one. */
export function Odds({ next, onChoose }: OddsProps) {
  return (
    <section aria-labelledby="odds">
      <h2 id="odds">Likely next</h2>
      <ol class="odds">
        {next.map((token) => {
          const percent = 100 * token.probability;
          return (
            <li key={token.id}>
              <button type="button" disabled={token.isEnd} onClick={() => onChoose(token)}>
                <bdi>{token.isEnd ? 'the end' : textOf(token.text)}</bdi>
                <span class="percent">{percent < 0.1 ? '< 0.1' : percent.toFixed(1)} %</span>
                <span class="bar" aria-hidden="true" style={{ width: `${percent}%` }} />
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
