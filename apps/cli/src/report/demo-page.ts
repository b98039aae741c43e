import { chartStyle } from '@heed/benchmarks';
import { toSVG } from '@heed/heatmap';
import { type Agreement, shareOfBound } from '../demo/agreement.ts';
import type { Demo } from '../demo/run-demo.ts';
import { HEAD, LAYER, type Example, sharedDomain, viewOf } from '../demo/example.ts';
import type { Speed } from '../demo/speed.ts';
import type { Diagnosis } from '../backends/diagnose.ts';
import { describeCapabilities } from '../output/capabilities.ts';
import { duration, percent } from '../output/numbers.ts';
import { speedChart } from './chart.ts';
import { documentOf } from './document.ts';
import { Markup, html } from './markup.ts';

/** Renders the demo as a page. */
export function demoPage(demo: Demo, when: Date): string {
  const { machine, examples, agreement, backends, speed } = demo;
  const [first] = examples;
  const title = first === undefined ? 'Heed' : `Where does “${first.from}” look?`;
  return documentOf({
    command: 'heed demo',
    title,
    style: [new Markup(chartStyle)],
    lead: html`<p class="lead">${lead(demo)}</p>`,
    body: html`${exampleSection(examples)} ${agreementSection(agreement)} ${speedSection(speed)}
    ${backendSection(backends)}`,
    footer: html`<p>
        Made by <code>heed demo</code> on ${when.toISOString().slice(0, 10)}, Node ${machine.node},
        ${machine.os}, ${machine.cores} × ${machine.cpu}. Every number was computed there and then.
      </p>
      <p>Queries, keys and values: all-MiniLM-L6-v2 by sentence-transformers, Apache-2.0.</p>`,
  });
}

function lead({ examples, examplesBy }: Demo): Markup {
  const findings = examples.map(
    ({ text, from, to, weight }) =>
      html`In “${text}” <b>${from}</b> looks at <b>${to}</b> most, with a weight of
        <b>${weight.toFixed(3)}</b>. `,
  );
  return html`${findings}One head of a trained sentence model, its attention computed by the backend
    <b>${examplesBy}</b>.`;
}

function exampleSection(examples: readonly Example[]): Markup {
  const domain = sharedDomain(examples);
  const figures = examples.map((example, index) => {
    const picture = new Markup(toSVG(viewOf(example, domain), { id: `example-${index}` }));
    return html`<figure class="card">${picture}</figure>`;
  });
  return html`<section aria-label="Attention weights">
    <h2>What attention sees</h2>
    <p>
      Layer ${LAYER}, head ${HEAD}. Each row is a token, and shows how much it takes from every other; both
      pictures have one scale of color.
    </p>
    <div class="pictures">${figures}</div>
  </section>`;
}

function agreementSection(agreement: readonly Agreement[]): Markup {
  const layers = agreement.find(({ layers: all }) => all.length > 0)?.layers ?? [];
  const heads = layers.map(({ layer }) => html`<th>layer ${layer}</th>`);
  const rows = agreement.map(({ backend, agrees, worst, layers: own, failures }) => {
    const verdict = agrees
      ? html`<span class="good">✓ agrees</span>`
      : html`<span class="bad">✗ ${failures[0] ?? 'differs'}</span>`;
    const meters = own.map(({ worst: ofLayer }) => meter(shareOfBound(ofLayer)));
    return html`<tr>
      <td><b>${backend}</b></td>
      <td class="${agrees ? 'tight' : ''}">${verdict}</td>
      <td class="number">${worst?.error?.toExponential(1) ?? '–'}</td>
      ${meters}
    </tr>`;
  });
  return html`<section aria-label="Agreement">
    <h2>Agreement with the float64 reference</h2>
    <p>
      All layers and heads, outputs, weights and logSumExp. The bars show the largest error as a share of what
      the specification allows: twice the error of the naive float32 computation, plus a floor.
    </p>
    <div class="card scroll">
      <table>
        <thead>
          <tr>
            <th>backend</th>
            <th>result</th>
            <th class="number">largest error</th>
            ${heads}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
}

function meter(share: number): Markup {
  const width = Math.min(100, Math.max(0, 100 * share));
  return html`<td>
    ${percent(share)}<span class="meter"><i style="width:${width.toFixed(1)}%"></i></span>
  </td>`;
}

function speedSection(speed: Speed): Markup {
  const { rows, shape, baseline, rounds } = speed;
  const cells = rows.map(({ length, contestant, medianMs, ratio, status, reason }, index) => {
    const first = rows[index - 1]?.length !== length;
    const ms = medianMs === null ? `${status}: ${reason ?? ''}` : duration(medianMs);
    const times = ratio === null ? '' : `${ratio.toFixed(1)}×`;
    return html`<tr>
      <td class="number">${first ? length : ''}</td>
      <td>${contestant}</td>
      <td class="number">${ms}</td>
      <td class="number"><b>${times}</b></td>
    </tr>`;
  });
  return html`<section aria-label="Speed">
    <h2>Speed</h2>
    <p>
      ${shape}, one thread unless the device says otherwise; medians of ${rounds} interleaved rounds, and how
      many times as fast as the plain ${baseline}. Both axes of the chart are logarithmic.
    </p>
    <div class="pair">
      <div class="card chart">${speedChart(speed)}</div>
      <div class="card scroll">
        <table>
          <thead>
            <tr>
              <th class="number">N</th>
              <th>contestant</th>
              <th class="number">time</th>
              <th class="number">times as fast</th>
            </tr>
          </thead>
          <tbody>
            ${cells}
          </tbody>
        </table>
      </div>
    </div>
  </section>`;
}

function backendSection(backends: readonly Diagnosis[]): Markup {
  const rows = backends.map(
    ({ name, device, status, capabilities, reason, remedy, package: from, version }) => {
      const mark =
        status === 'available' ? html`<span class="good">✓</span>` : html`<span class="bad">✗</span>`;
      const what =
        capabilities === null
          ? `${reason ?? ''} ${remedy === null ? '' : `→ ${remedy}`}`
          : describeCapabilities(capabilities);
      return html`<tr>
        <td class="tight">${mark} <b>${name}</b></td>
        <td>${device ?? status}</td>
        <td>${what}</td>
        <td class="tight quiet">${from ?? ''} ${version ?? ''}</td>
      </tr>`;
    },
  );
  return html`<section aria-label="Backends">
    <h2>Backends</h2>
    <p>What is installed on this machine, and what it runs on.</p>
    <div class="card scroll">
      <table>
        <thead>
          <tr>
            <th>backend</th>
            <th>runs on</th>
            <th>computes</th>
            <th>package</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
}
