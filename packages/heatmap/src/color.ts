import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import {
  interpolateInferno,
  interpolateMagma,
  interpolatePlasma,
  interpolateViridis,
} from 'd3-scale-chromatic';
import { checkNumber, checkNumbers, checkOneOf } from './options.ts';

/**
 * Perceptual color maps (van der Walt and Smith, SciPy 2015): equal steps of value look like equal steps. `RdBu` diverges, for
 * differences: red below 0, blue above, and 0 in the middle of the scale has the color of the background (Brewer, ColorBrewer 2003).
 */
export type ColorMap = 'magma' | 'inferno' | 'plasma' | 'viridis' | 'RdBu';

/** Colors of paper and ink. */
export type Scheme = 'light' | 'dark';

/** Red, green and blue, 0 to 255. */
export type RGB = readonly [red: number, green: number, blue: number];

const MAPS: Readonly<Record<ColorMap, (t: number, scheme: Scheme) => RGB>> = {
  magma: sequential(interpolateMagma),
  inferno: sequential(interpolateInferno),
  plasma: sequential(interpolatePlasma),
  viridis: sequential(interpolateViridis),
  RdBu: divergingAt,
};

const MAP_NAMES: readonly string[] = Object.keys(MAPS);
const SCHEMES: readonly Scheme[] = ['light', 'dark'];
const CHANNELS = ['red', 'green', 'blue'];

/** Black and white of the numbers on colored cells: one of them has a contrast of 4.58 or more on any color. */
const INK: RGB = [0, 0, 0];
const PAPER: RGB = [255, 255, 255];

/** The background of pictures. */
export const GROUND: Readonly<Record<Scheme, RGB>> = { light: PAPER, dark: [21, 19, 28] };

/** Colors at both ends of the map that diverges; from the ground in the middle to them, channels are linear. */
const ENDS: Readonly<Record<Scheme, readonly [low: RGB, high: RGB]>> = {
  light: [
    [178, 24, 43],
    [33, 102, 172],
  ],
  dark: [
    [244, 165, 130],
    [146, 197, 222],
  ],
};

/** Below this position, colors on a light ground fade into it: a sparse matrix is a page, not a field of yellow. */
const FADE = 0.08;

/** @throws HeedError `ARGUMENT`. */
export function checkColorMap(map: unknown): void {
  checkOneOf('colorMap', map, MAP_NAMES);
}

/**
 * The color at t of 0 to 1. Small values come close to the background: dark in the dark, light in the light.
 *
 * @throws HeedError `ARGUMENT` for an unknown color map or scheme, or a t that is not a number of 0 to 1.
 */
export function colorAt(map: ColorMap, t: number, scheme: Scheme): RGB {
  checkColorMap(map);
  if (!(typeof t === 'number' && t >= 0 && t <= 1)) {
    throw new HeedError('ARGUMENT', `t is ${shown(t)}; expected a number of 0 to 1`, {
      remedy: 'compute it with positionIn(domain, value), which is null for what has no color',
    });
  }
  checkOneOf('scheme', scheme, SCHEMES);
  return MAPS[map](t, scheme);
}

/** A map from the ground on, by its colors in the dark. */
function sequential(colorsOf: (t: number) => string): (t: number, scheme: Scheme) => RGB {
  return (t, scheme) => {
    if (scheme === 'dark') return fromHex(colorsOf(t));
    return mixed(PAPER, fromHex(colorsOf(1 - t)), Math.min(1, t / FADE));
  };
}

function divergingAt(t: number, scheme: Scheme): RGB {
  const [low, high] = ENDS[scheme];
  return mixed(GROUND[scheme], t < 0.5 ? low : high, strengthAt('RdBu', t));
}

function mixed(from: RGB, to: RGB, share: number): RGB {
  return from.map((channel, n) => Math.round(channel + share * (to[n]! - channel))) as unknown as RGB;
}

/** Returns whether the middle of the scale, not its beginning, has the color of the ground: 0 belongs there. */
export function isDiverging(map: ColorMap): boolean {
  return map === 'RdBu';
}

/** Distance of a position of the scale from the one that has the color of the ground, 0 to 1. */
export function strengthAt(map: ColorMap, t: number): number {
  return isDiverging(map) ? Math.abs(2 * t - 1) : t;
}

function fromHex(hex: string): RGB {
  return [1, 3, 5].map((start) => Number.parseInt(hex.slice(start, start + 2), 16)) as unknown as RGB;
}

/**
 * Position of a value in the domain, 0 to 1; null if it is not finite.
 *
 * @throws HeedError `ARGUMENT` for anything but two numbers and a number.
 */
export function positionIn(domain: readonly [low: number, high: number], value: number): number | null {
  checkNumbers('domain', domain, ['low', 'high']);
  checkNumber('value', value);
  const [low, high] = domain;
  if (!Number.isFinite(value)) return null;
  return Math.min(1, Math.max(0, (value - low) / (high - low)));
}

/**
 * The more legible of ink and paper on a color.
 *
 * @throws HeedError `ARGUMENT` for anything but three numbers.
 */
export function inkOn(color: RGB): RGB {
  checkNumbers('color', color, CHANNELS);
  return contrast(color, INK) >= contrast(color, PAPER) ? INK : PAPER;
}

/** The contrast ratio of WCAG 2.2, 1 to 21. */
export function contrast(a: RGB, b: RGB): number {
  const [darker, lighter] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(color: RGB): number {
  const [red, green, blue] = color.map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * A color as HTML and CSS write it: `#b5367a`.
 *
 * @throws HeedError `ARGUMENT` for anything but three numbers.
 */
export function toHex(color: RGB): string {
  checkNumbers('color', color, CHANNELS);
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
