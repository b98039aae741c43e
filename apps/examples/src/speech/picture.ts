import { escapeMarkup } from '@heed/heatmap';
import type { Sound, TimedWord } from '@heed/models';

const [WIDTH, MARGIN] = [960, 24];
/** Rows of words: those that would overlap go below one another. */
const [WAVE, ROW] = [120, 26];
const SECONDS_A_LINE = 12;

/** A sound with its words where they are said, SVG: lines of twelve seconds, like a score. */
export function speechPicture({ samples, sampleRate }: Sound, words: readonly TimedWord[]): string {
  const seconds = samples.length / sampleRate;
  const lines = Math.max(1, Math.ceil(seconds / SECONDS_A_LINE));
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-6);
  const height = MARGIN + lines * (WAVE + 3 * ROW + MARGIN);
  const parts = Array.from({ length: lines }, (_, line) => {
    const from = line * SECONDS_A_LINE;
    const top = MARGIN + line * (WAVE + 3 * ROW + MARGIN);
    const own = words.filter(({ start }) => start >= from && start < from + SECONDS_A_LINE);
    return `<g transform="translate(${MARGIN} ${top})">${wave(samples, sampleRate, from, loudest)}${ticks(from, Math.min(seconds - from, SECONDS_A_LINE))}${labels(own, from)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH + 2 * MARGIN} ${height}" role="img" font-family="system-ui, sans-serif">`,
    '<title>What is said when</title>',
    `<desc>${escapeMarkup(
      words
        .map(({ text }) => text)
        .join('')
        .trim(),
    )}</desc>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

const x = (seconds: number): number => Math.round((seconds / SECONDS_A_LINE) * WIDTH * 10) / 10;

function wave(samples: Float32Array, rate: number, from: number, loudest: number): string {
  const points: string[] = [];
  for (let pixel = 0; pixel < WIDTH; pixel++) {
    const at = (n: number): number => Math.floor((from + (n * SECONDS_A_LINE) / WIDTH) * rate);
    const part = samples.subarray(at(pixel), at(pixel + 1));
    if (part.length === 0) break;
    const peak = part.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    const half = Math.max(0.5, ((peak / loudest) * WAVE) / 2);
    points.push(`M${pixel} ${(WAVE / 2 - half).toFixed(1)}v${(2 * half).toFixed(1)}`);
  }
  return `<path d="${points.join('')}" stroke="#8a93a6" fill="none"/>`;
}

function ticks(from: number, seconds: number): string {
  return Array.from({ length: Math.floor(seconds) + 1 }, (_, n) => {
    const label =
      n % 2 === 0 ? `<text x="${x(n) + 3}" y="10" font-size="10" fill="#5b6472">${from + n} s</text>` : '';
    return `<path d="M${x(n)} 0v${WAVE}" stroke="#e3e6ec"/>${label}`;
  }).join('');
}

/** A bar as long as the word, its text below, in the first of three rows that has room. */
function labels(words: readonly TimedWord[], from: number): string {
  const ends = [-Infinity, -Infinity, -Infinity];
  return words
    .map(({ text, start, end }) => {
      const [left, right] = [x(start - from), x(end - from)];
      const free = ends.findIndex((last) => last < left);
      const row = free < 0 ? ends.indexOf(Math.min(...ends)) : free;
      ends[row] = left + 8 * text.trim().length + 6;
      const y = WAVE + row * ROW;
      return [
        `<rect x="${left}" y="0" width="${Math.max(2, right - left)}" height="${WAVE}" fill="#2f6fde" opacity="0.12"/>`,
        `<path d="M${left} ${WAVE}V${y + 18}" stroke="#2f6fde" stroke-width="1"/>`,
        `<path d="M${left} ${WAVE + 1.5}H${Math.max(left + 2, right)}" stroke="#2f6fde" stroke-width="3"/>`,
        `<text x="${left + 3}" y="${y + 18}" font-size="13" fill="#16202e">${escapeMarkup(text.trim())}</text>`,
      ].join('');
    })
    .join('');
}
