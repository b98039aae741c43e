import {
  type BenchResults,
  type Figure,
  type Row,
  chartStyle,
  isHeeds,
  lengthChart,
  rowsOverLength,
  shortName,
} from '@heed/benchmarks';
import { threadsAsked } from '../output/render-bench.ts';
import { duration } from '../output/numbers.ts';
import { documentOf } from './document.ts';
import { Markup, html } from './markup.ts';

const NOTHING = html``;

const ABOUT: Readonly<Record<Figure, { readonly title: string; readonly text: string }>> = {
  time: { title: 'Time', text: 'Median of one run: lower is faster.' },
  speed: {
    title: 'Speed',
    text: 'Useful operations in a nanosecond (GFLOP/s): higher is faster. The line is what all threads could do with 128-bit multiply-adds; native libraries with wider registers can be above it.',
  },
  memory: {
    title: 'Memory',
    text: 'Peak resident set of the whole process. Steep lines store the scores; flat ones never do.',
  },
};

/** Renders a run as a page. */
export function benchPage(results: BenchResults): string {
  const { machine, settings, workloads, rows, startedAt } = results;
  return documentOf({
    command: 'heed bench',
    title: 'Attention, measured side by side',
    style: [new Markup(chartStyle), pageStyle],
    lead: html`<p class="lead">
        <b>${new Set(rows.map(({ contestant }) => contestant)).size}</b> contestants on
        <b>${workloads.length}</b> workloads, on ${machine.cores} × ${machine.cpu} with Node ${machine.node},
        ${threadsAsked(settings.threads)}. Every result was checked before it was timed.
      </p>
      ${noteOf(results)}`,
    body: html`${chartsSection(results, false)} ${chartsSection(results, true)} ${growthSection(results)}
      <section>
        <h2>Each workload</h2>
        <p>
          The fastest first; ± is half of the middle half of the rounds; memory is the peak of the process.
          Names say the shape: 12 heads of size 64 and a batch of 1, unless they say otherwise.
        </p>
        ${workloads.map(({ workload }) => workloadSection(workload.name, results))}
      </section>
      ${absentSection(rows)}`,
    footer: html`<p>
        Made by <code>heed bench</code> on ${startedAt.slice(0, 10)}, ${machine.os}, commit
        ${results.commit ?? 'unknown'}. ${peakText(results)}
      </p>
      <p>${Object.entries(results.versions).map(([name, version]) => html`${name} ${version} · `)}</p>`,
  });
}

const pageStyle = new Markup(`
.wide { overflow-x: auto; }
.wide svg { display: block; width: 100%; min-width: 640px; height: auto; }
.wide p { position: sticky; left: 0; }
.charts { display: grid; gap: 20px; }
.charts h3 { margin: 0 0 2px; font-size: 16px; }
.charts p { font-size: 14px; margin-bottom: 10px; }
.charts figure { padding: 18px 22px 10px; }
td.bar { width: 26%; }
td.bar .meter { height: 9px; border-radius: 4px; margin: 0; }
td.bar .meter i { border-radius: 4px; background: var(--quiet); }
tr.ours td.bar .meter i { background: var(--accent); }
tr.ours td:first-child { color: var(--ink); font-weight: 600; }
tr.out td { color: var(--quiet); font-size: 14px; }
table { font-size: 14px; }
th, td { padding-top: 6px; padding-bottom: 6px; }
details.card { margin-top: 14px; }
summary { cursor: pointer; font-weight: 600; }
summary .quiet { font-weight: 400; }
details .scroll { margin-top: 12px; }
`);

function noteOf({ note, stopped }: BenchResults): Markup {
  const texts = [...(note === undefined ? [] : [note]), ...(stopped ? ['This run was stopped early.'] : [])];
  return html`${texts.map((text) => html`<p>${text}</p>`)}`;
}

function peakText({ peak }: BenchResults): string {
  return peak.gflops === null ? '' : `Peak of one core: ${peak.gflops.toFixed(1)} GFLOP/s (${peak.device}).`;
}

function chartsSection(results: BenchResults, causal: boolean): Markup {
  const figures = (['time', 'speed', 'memory'] as const).flatMap((figure): Markup[] => {
    const svg = lengthChart(results, { figure, causal, width: 1040, height: 440 });
    if (svg === null) return [];
    const { title, text } = ABOUT[figure];
    return [
      html`<figure class="card wide" aria-label="${title}">
        <h3>${title}</h3>
        <p>${text}</p>
        ${new Markup(svg)}
      </figure>`,
    ];
  });
  if (figures.length === 0) return NOTHING;
  const about = causal ? 'Each query attends to the keys before it.' : 'Every query attends to every key.';
  return html`<section>
    <h2>${causal ? 'Causal' : 'Dense'}, over the sequence length</h2>
    <p>${about} Both axes are logarithmic. A line ends where its contestant was too slow or failed.</p>
    <div class="charts">${figures}</div>
  </section>`;
}

function growthSection({ growth }: BenchResults): Markup {
  const known = growth.filter(({ exponent }) => exponent !== null).sort((a, b) => a.exponent! - b.exponent!);
  if (known.length === 0) return NOTHING;
  const rows = known.map(
    ({ contestant, exponent, lengths }) =>
      html`<tr class="${isHeeds(contestant) ? 'ours' : ''}">
        <td>${contestant}</td>
        <td class="number">N<sup>${exponent!.toFixed(2)}</sup></td>
        <td class="number quiet">N = ${lengths[0] ?? 0} … ${lengths.at(-1) ?? 0}</td>
      </tr>`,
  );
  return html`<section>
    <h2>How memory grows</h2>
    <p>
      The exponent fitted to peak memory over N: 2 for those that store the scores, 1 for those that never do.
    </p>
    <div class="card scroll">
      <table>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
}

function workloadSection(name: string, results: BenchResults): Markup {
  const own = results.rows.filter((row) => row.workload === name && row.status !== 'unavailable');
  const measured = own.filter(({ medianMs }) => medianMs !== null).sort((a, b) => a.medianMs! - b.medianMs!);
  const fastest = measured[0];
  const lead =
    fastest === undefined
      ? 'nobody was measured'
      : `${shortName(fastest.contestant)} ${duration(fastest.medianMs!)}`;
  // Numbers that the charts already show are collapsed.
  const open = new Markup(inCharts(name, results) ? '' : 'open');
  return html`<details class="card" ${open}>
    <summary>${name} <span class="quiet">${lead}</span></summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            ${['', 'median', '±', 'GFLOP/s', '', 'ratio', 'memory', 'ran on'].map((text) => html`<th>${text}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${measured.map((row) => measuredRow(row, fastest!))}
          ${own.filter(({ medianMs }) => medianMs === null).map(outRow)}
        </tbody>
      </table>
    </div>
  </details>`;
}

function inCharts(name: string, results: BenchResults): boolean {
  return [false, true].some((causal) =>
    rowsOverLength(results, causal).some(({ workload }) => workload === name),
  );
}

function measuredRow(row: Row, fastest: Row): Markup {
  const { contestant, medianMs, quartilesMs, gflops, ratio, peakBytes, device } = row;
  const spread = (50 * (quartilesMs![1] - quartilesMs![0])) / medianMs!;
  const share = Math.max(0.5, (100 * fastest.medianMs!) / medianMs!);
  return html`<tr class="${isHeeds(contestant) ? 'ours' : ''}">
    <td class="tight">${contestant}</td>
    <td class="number">${duration(medianMs!)}</td>
    <td class="number quiet">${spread.toFixed(0)}%</td>
    <td class="number">${gflops!.toPrecision(3)}</td>
    <td class="bar">
      <span class="meter"><i style="width: ${share.toFixed(1)}%"></i></span>
    </td>
    <td class="number">${ratio === null ? '' : `${ratio.toPrecision(3)}×`}</td>
    <td class="number">${peakBytes === null ? '' : `${(peakBytes / 2 ** 20).toFixed(0)} MB`}</td>
    <td class="quiet">${device ?? ''}</td>
  </tr>`;
}

function outRow({ contestant, status, reason }: Row): Markup {
  return html`<tr class="out">
    <td class="tight">${contestant}</td>
    <td colspan="7"><b>${status}</b> ${reason ?? ''}</td>
  </tr>`;
}

function absentSection(rows: readonly Row[]): Markup {
  const absent = new Map(
    rows.filter(({ status }) => status === 'unavailable').map((row) => [row.contestant, row]),
  );
  if (absent.size === 0) return NOTHING;
  const lines = Array.from(
    absent.values(),
    ({ contestant, reason, remedy }) =>
      html`<tr class="out">
        <td class="tight">${contestant}</td>
        <td>${reason ?? ''}. ${remedy ?? ''}</td>
      </tr>`,
  );
  return html`<section>
    <h2>Not here</h2>
    <div class="card scroll">
      <table>
        <tbody>
          ${lines}
        </tbody>
      </table>
    </div>
  </section>`;
}
