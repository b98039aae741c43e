import { type Scheme, formatCell } from '@heed/heatmap';
import { useRef } from 'preact/hooks';
import { cellStyle, nameOf, textOf } from './cell-style.ts';

interface GridProps {
  readonly label: string;
  readonly tokens: readonly string[];
  /** `[L, L]`. */
  readonly weights: Float32Array;
  readonly selected: number;
  readonly domain: readonly [number, number];
  readonly scheme: Scheme;
  readonly onSelect: (token: number) => void;
}

const STEPS: Record<string, readonly [row: number, column: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** The whole matrix as a table: a row is a query. Arrow keys move within it, Enter chooses the row. */
export function Grid({ label, tokens, weights, selected, domain, scheme, onSelect }: GridProps) {
  const table = useRef<HTMLTableElement>(null);
  const length = tokens.length;
  const cellAt = (row: number, column: number): HTMLElement | undefined =>
    table.current?.querySelectorAll<HTMLElement>('td')[row * length + column];

  const onKeyDown = (event: KeyboardEvent, row: number, column: number): void => {
    const step = STEPS[event.key];
    if (event.key === 'Enter' || event.key === ' ') onSelect(row);
    else if (step === undefined) return;
    else cellAt(clamp(row + step[0], length), clamp(column + step[1], length))?.focus();
    event.preventDefault();
  };
  const strongest = largestOf(weights.subarray(selected * length, (selected + 1) * length));

  return (
    <div class="scroll">
      <table class="grid" role="grid" aria-label={label} aria-readonly="true" ref={table}>
        <thead>
          <tr>
            <th class="corner" scope="col">
              <span aria-hidden="true">key →</span>
              <span class="unseen">query, by key</span>
            </th>
            {tokens.map((token, column) => (
              <th key={column} scope="col">
                <span>
                  <bdi>{textOf(token)}</bdi>
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tokens.map((query, row) => (
            <tr key={row} aria-selected={row === selected}>
              <th scope="row">
                <bdi>{textOf(query)}</bdi>
              </th>
              {tokens.map((key, column) => {
                const weight = weights[row * length + column]!;
                const name = nameOf(textOf(query), textOf(key), weight);
                return (
                  <td
                    key={column}
                    tabIndex={row === selected && column === strongest ? 0 : -1}
                    style={cellStyle(weight, domain, scheme)}
                    aria-label={name}
                    title={name}
                    class={row === selected && column === strongest ? 'strongest' : undefined}
                    onClick={() => onSelect(row)}
                    onKeyDown={(event) => onKeyDown(event, row, column)}
                  >
                    {formatCell(weight)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function clamp(index: number, length: number): number {
  return Math.min(length - 1, Math.max(0, index));
}

/** Index of the largest value. */
export function largestOf(values: Float32Array): number {
  return values.reduce((best, value, index) => (value > values[best]! ? index : best), 0);
}
