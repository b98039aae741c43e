import type { Sight } from '../engine/question.ts';
import { textOf } from './cell-style.ts';

interface LinesProps {
  readonly answer: Pick<Sight, 'tokens' | 'weights'>;
  readonly head: number;
  readonly token: number;
}

const [LINE, WIDTH, LEFT, RIGHT] = [20, 260, 92, 168];
const LONGEST = 12;
/** Largest number of tokens: lines between more are a thicket. */
const MOST_TOKENS = 48;

/** Lines from each token to those it looks at, the darker the more; those of the chosen one stand out. */
export function Lines({ answer, head, token }: LinesProps) {
  const { tokens, weights } = answer;
  const length = tokens.length;
  if (length > MOST_TOKENS) return null;
  const at = head * length * length;
  const y = (n: number): number => LINE * (n + 0.5);
  const name = (text: string): string => {
    const shown = textOf(text);
    return shown.length > LONGEST ? `${shown.slice(0, LONGEST - 1)}…` : shown;
  };
  const lines = tokens.flatMap((_, i) =>
    tokens.flatMap((__, j) => {
      const weight = weights[at + i * length + j]!;
      return weight < 0.02 ? [] : [{ i, j, weight }];
    }),
  );
  // The chosen token's lines are drawn last, above the others.
  lines.sort((a, b) => Number(a.i === token) - Number(b.i === token));
  return (
    <svg
      class="lines"
      viewBox={`0 0 ${WIDTH} ${LINE * length}`}
      role="img"
      aria-label="Lines from each token, at the left, to the tokens that it looks at"
    >
      {lines.map(({ i, j, weight }) => (
        <line
          key={`${i}-${j}`}
          x1={LEFT}
          y1={y(i)}
          x2={RIGHT}
          y2={y(j)}
          class={i === token ? 'chosen' : undefined}
          stroke-opacity={i === token ? Math.max(0.25, weight) : 0.35 * weight}
        />
      ))}
      {tokens.map((text, n) => (
        <g key={n} class={n === token ? 'chosen' : undefined}>
          <text x={LEFT - 8} y={y(n)} text-anchor="end" dominant-baseline="central">
            {name(text)}
          </text>
          <text x={RIGHT + 8} y={y(n)} dominant-baseline="central">
            {name(text)}
          </text>
        </g>
      ))}
    </svg>
  );
}
