import { lineChart, shortName, stylesOf, timeTick } from '@heed/benchmarks';
import type { Speed } from '../demo/speed.ts';
import { Markup, html } from './markup.ts';

/** Time over length, both logarithmic, as an SVG whose colors are those of the `chartStyle` of the page. */
export function speedChart({ rows, baseline }: Speed): Markup {
  const contestants = [...new Set(rows.map(({ contestant }) => contestant))];
  const styles = stylesOf(contestants, baseline);
  const lines = contestants.flatMap((contestant) => {
    const points = rows.flatMap(({ contestant: name, length, medianMs }): [number, number][] =>
      name === contestant && medianMs !== null ? [[length, medianMs]] : [],
    );
    return points.length === 0
      ? []
      : [{ name: shortName(contestant), style: styles.get(contestant)!, points }];
  });
  if (lines.length === 0) return html`<p>No contestant was measured.</p>`;
  return new Markup(
    lineChart(lines, {
      label: `Time of attention over the sequence length, for ${contestants.join(' and ')}; the table has the numbers`,
      width: 480,
      height: 310,
      names: 'ends',
      xTitle: 'sequence length N',
      yTick: timeTick,
    }),
  );
}
