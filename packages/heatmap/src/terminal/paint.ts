import { type RGB, inkOn } from '../color.ts';

/** Colors that the terminal can show: 16 million, xterm's 256, or none. */
export type TerminalColor = 'truecolor' | '256' | 'none';

const ESC = '\u001B[';
const CUBE = [0, 95, 135, 175, 215, 255];

/** Paints text on a colored background, in the more legible ink; unchanged without colors. */
export function onColor(text: string, color: RGB, depth: TerminalColor): string {
  if (depth === 'none') return text;
  const [ground, ink] = [color, inkOn(color)].map((rgb) =>
    depth === 'truecolor' ? `2;${rgb.join(';')}` : `5;${nearest256(rgb)}`,
  );
  return `${ESC}48;${ground};38;${ink}m${text}${ESC}0m`;
}

export function bold(text: string, depth: TerminalColor): string {
  return depth === 'none' ? text : `${ESC}1m${text}${ESC}22m`;
}

export function dim(text: string, depth: TerminalColor): string {
  return depth === 'none' ? text : `${ESC}2m${text}${ESC}22m`;
}

/** The nearest color of xterm's 6 × 6 × 6 cube (16 to 231) or its 24 grays (232 to 255). */
export function nearest256(color: RGB): number {
  const steps = color.map((channel) => nearest(CUBE, channel));
  const cube = steps.map((step) => CUBE[step]!) as unknown as RGB;
  const mean = (color[0] + color[1] + color[2]) / 3;
  const gray = Math.min(23, Math.max(0, Math.round((mean - 8) / 10)));
  const level = 8 + 10 * gray;
  return distance(color, [level, level, level]) < distance(color, cube)
    ? 232 + gray
    : 16 + 36 * steps[0]! + 6 * steps[1]! + steps[2]!;
}

function nearest(levels: readonly number[], value: number): number {
  return levels.reduce(
    (best, level, index) => (Math.abs(level - value) < Math.abs(levels[best]! - value) ? index : best),
    0,
  );
}

function distance(a: RGB, b: RGB): number {
  return a.reduce((sum, channel, index) => sum + (channel - b[index]!) ** 2, 0);
}
