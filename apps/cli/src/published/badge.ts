import { html } from '../report/markup.ts';
import { type PublishedReport, isPartial, verdict } from './published-report.ts';

const LABEL = 'heed';
const HEIGHT = 20;
/** Average width of a character of 11 px Verdana; `textLength` makes it exact whatever the font is. */
const CHARACTER = 6.6;
const PADDING = 6;

const COLORS = { right: '#2e7d32', wrong: '#c62828', partial: '#8d6e00' } as const;

/** Draws the verdict of the verification, without external resources. */
export function badge(report: PublishedReport): string {
  const text = verdict(report);
  const [left, right] = [LABEL, text].map((words) => Math.round(words.length * CHARACTER) + 2 * PADDING) as [
    number,
    number,
  ];
  const label = `${LABEL}: ${text}`;
  return `${
    html`<svg
      xmlns="http://www.w3.org/2000/svg"
      width="${left + right}"
      height="${HEIGHT}"
      role="img"
      aria-label="${label}"
    >
      <title>${label}</title>
      <rect width="${left}" height="${HEIGHT}" fill="#424242" />
      <rect x="${left}" width="${right}" height="${HEIGHT}" fill="${COLORS[stateOf(report)]}" />
      <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
        <text x="${PADDING}" y="14" textLength="${left - 2 * PADDING}">${LABEL}</text>
        <text x="${left + PADDING}" y="14" textLength="${right - 2 * PADDING}">${text}</text>
      </g>
    </svg>`.text
  }\n`;
}

function stateOf(report: PublishedReport): keyof typeof COLORS {
  if (report.summary.failed > 0) return 'wrong';
  return isPartial(report) || report.summary.expectedFailures > 0 ? 'partial' : 'right';
}
