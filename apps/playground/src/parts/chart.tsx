/** A line of a chart: points may be missing. */
export interface Line {
  readonly name: string;
  readonly color: string;
  readonly isDashed: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

interface ChartProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly xs: readonly number[];
  /** Base of the vertical steps. */
  readonly base: number;
  readonly format: (y: number) => string;
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [480, 280, 72, 20, 16, 36];

/** Chart over lengths, with logarithmic axes: a straight line is a power, its slope the exponent. */
export function Chart({ title, lines, xs, base, format }: ChartProps) {
  const ys = lines.flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => y > 0);
  const [low, high] = ys.length === 0 ? [1, 10] : [Math.min(...ys), Math.max(...ys)];
  const level = (value: number): number => Math.log(value) / Math.log(base);
  const bottom = Math.floor(level(low));
  const top = Math.max(Math.ceil(level(high)), bottom + 1);
  const [first, last] = [Math.log2(xs[0] ?? 1), Math.log2(xs.at(-1) ?? 2)];
  const x = (value: number): number =>
    LEFT + ((WIDTH - LEFT - RIGHT) * (Math.log2(value) - first)) / Math.max(1, last - first);
  const y = (value: number): number =>
    HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (level(value) - bottom)) / (top - bottom);
  const steps = Array.from({ length: top - bottom + 1 }, (_, n) => base ** (bottom + n));
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${title}; the numbers are in the table below`}
      >
        {steps.map((step) => (
          <g key={step}>
            <line class="rule" x1={LEFT} x2={WIDTH - RIGHT} y1={y(step)} y2={y(step)} />
            <text class="tick" x={LEFT - 8} y={y(step) + 4} text-anchor="end">
              {format(step)}
            </text>
          </g>
        ))}
        {xs.map((length) => (
          <text key={length} class="tick" x={x(length)} y={HEIGHT - 12} text-anchor="middle">
            {length.toLocaleString('en')}
          </text>
        ))}
        {lines.map(({ name, color, isDashed, points }) => (
          <g key={name} style={{ color }}>
            <polyline
              class="line"
              stroke-dasharray={isDashed ? '6 5' : undefined}
              points={points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ')}
            />
            {points.map(([px, py]) => (
              <circle key={px} class="dot" cx={x(px)} cy={y(py)} r="4">
                <title>{`${name}, ${px} tokens: ${format(py)}`}</title>
              </circle>
            ))}
          </g>
        ))}
      </svg>
    </figure>
  );
}
