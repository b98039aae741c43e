import { type Scheme } from '@heed/heatmap';
import { useState } from 'preact/hooks';
import { Canvas } from './canvas.tsx';
import { nameOf, textOf } from './cell-style.ts';

interface MapProps {
  readonly label: string;
  readonly tokens: readonly string[];
  readonly weights: Float32Array;
  readonly selected: number;
  readonly domain: readonly [number, number];
  readonly scheme: Scheme;
  readonly onSelect: (token: number) => void;
}

/** A matrix too large for numbers. The pointer names a cell; a click, or the arrow keys, choose the row. */
export function MatrixMap({ label, tokens, weights, selected, domain, scheme, onSelect }: MapProps) {
  const [cell, setCell] = useState<readonly [number, number] | null>(null);
  const length = tokens.length;
  const cellOf = (event: MouseEvent): readonly [number, number] => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const index = (offset: number, size: number): number =>
      Math.min(length - 1, Math.max(0, Math.floor((offset / size) * length)));
    return [index(event.clientY - box.top, box.height), index(event.clientX - box.left, box.width)];
  };
  const named =
    cell === null
      ? 'Point at a cell to read it; click to choose its row.'
      : nameOf(textOf(tokens[cell[0]]!), textOf(tokens[cell[1]]!), weights[cell[0] * length + cell[1]]!);
  return (
    <div class="map">
      <div
        role="slider"
        tabIndex={0}
        aria-label={`${label}: the query's row`}
        aria-valuemin={0}
        aria-valuemax={length - 1}
        aria-valuenow={selected}
        aria-valuetext={textOf(tokens[selected]!)}
        onMouseMove={(event) => setCell(cellOf(event))}
        onMouseLeave={() => setCell(null)}
        onClick={(event) => onSelect(cellOf(event)[0])}
        onKeyDown={(event) => {
          const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
          if (step === undefined) return;
          event.preventDefault();
          onSelect(Math.min(length - 1, Math.max(0, selected + step)));
        }}
      >
        <Canvas {...{ weights, length, domain, scheme }} row={selected} />
      </div>
      <p class="quiet">{named}</p>
    </div>
  );
}
