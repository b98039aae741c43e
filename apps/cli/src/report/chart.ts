import { LineChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Speed } from '../demo/speed.ts';
import { Markup } from './markup.ts';

use([LineChart, GridComponent, SVGRenderer]);

const FONT_SIZE = 14;
const COLORS = ['var(--series-0)', 'var(--series-1)', 'var(--series-2)', 'var(--series-3)'];

/** Time over length, both logarithmic, as an SVG that takes its colours from the page. */
export function speedChart({ rows }: Speed): Markup {
  const lengths = [...new Set(rows.map(({ length }) => length))];
  const contestants = [...new Set(rows.map(({ contestant }) => contestant))];
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 440, height: 310 });
  try {
    const label = { color: 'var(--quiet)', fontSize: FONT_SIZE };
    const line = { lineStyle: { color: 'var(--line)' } };
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: 'inherit' },
      grid: { left: 58, right: 92, top: 16, bottom: 48 },
      xAxis: {
        type: 'category',
        data: lengths.map(String),
        name: 'sequence length N',
        nameLocation: 'middle',
        nameGap: 32,
        nameTextStyle: label,
        axisLabel: label,
        axisLine: line,
        axisTick: { show: false },
      },
      yAxis: {
        type: 'log',
        axisLabel: { ...label, formatter: tick },
        axisLine: { show: false },
        splitLine: line,
      },
      series: contestants.map((contestant, index) => {
        const color = COLORS[index % COLORS.length]!;
        const own = rows.filter((row) => row.contestant === contestant);
        return {
          type: 'line',
          silent: true,
          emphasis: { disabled: true },
          data: lengths.map((length) => own.find((row) => row.length === length)?.medianMs ?? null),
          lineStyle: { color, width: 2.5 },
          itemStyle: { color },
          symbol: 'circle',
          symbolSize: 8,
          endLabel: { show: true, formatter: () => contestant, color, fontSize: FONT_SIZE, fontWeight: 600 },
        };
      }),
    });
    return new Markup(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

/** A power of ten of milliseconds, in the unit that reads best. */
function tick(milliseconds: number): string {
  if (milliseconds < 1) return `${Math.round(milliseconds * 1000)} µs`;
  return milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`;
}
