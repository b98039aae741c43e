import { type ColorMap, GROUND, type RGB, type Scheme, colorAt, inkOn, toHex } from '../color.ts';

/** Colors of everything that is not a cell. */
interface Palette {
  readonly paper: string;
  readonly text: string;
  readonly quiet: string;
  readonly mark: string;
}

const PALETTES: Record<Scheme, Palette> = {
  light: { paper: toHex(GROUND.light), text: '#1c1a24', quiet: '#66626f', mark: '#0b63ce' },
  dark: { paper: toHex(GROUND.dark), text: '#eeecf4', quiet: '#a09cab', mark: '#6cb3ff' },
};

/** Steps of the color scale: more than the eye tells apart, few enough for a small style sheet; odd, so that the middle has one. */
const LEVELS = 65;

/** Role of an element: its color in both palettes. */
export type Role = keyof Palette;

/** Returns colors as attributes for one scheme, and the style sheet that changes them for the other. */
export interface Styles {
  role(role: Role, property?: 'fill' | 'stroke'): Record<string, string>;
  /** Background of a cell at a position of the scale, 0 to 1. */
  ground(position: number): Record<string, string>;
  /** Color of the number on that background. */
  ink(position: number): Record<string, string>;
  stop(position: number): Record<string, string>;
  /** The schemes that the picture may be seen in. */
  readonly schemes: readonly Scheme[];
  /** Attributes that show an element in one scheme only. */
  only(scheme: Scheme): Record<string, string>;
  /** Style sheet; empty unless the picture follows the reader's preference. Call it last: it has all colors so far. */
  sheet(): string;
}

/**
 * Plain attributes carry the colors of one scheme, so that programs without CSS draw them; a media query overrides
 * them in the other. Selectors begin with the picture's id: style sheets of inline pictures reach the whole page.
 */
export function stylesOf(id: string, map: ColorMap, theme: Scheme | 'auto'): Styles {
  const first: Scheme = theme === 'dark' ? 'dark' : 'light';
  const rules = new Map<string, string>();

  const paint = (
    name: string,
    property: string,
    colorIn: (scheme: Scheme) => string,
  ): Record<string, string> => {
    if (theme !== 'auto') return { [property]: colorIn(first) };
    rules.set(`#${id} .${name}`, `${property}:${colorIn('dark')}`);
    return { class: name, [property]: colorIn('light') };
  };
  const scale = (name: string, property: string, position: number, colorOf: (ground: RGB) => RGB) => {
    const level = Math.round(position * (LEVELS - 1));
    return paint(`${name}${level}`, property, (scheme) =>
      toHex(colorOf(colorAt(map, level / (LEVELS - 1), scheme))),
    );
  };

  return {
    role: (role, property = 'fill') =>
      paint(property === 'fill' ? role : `${role}-line`, property, (scheme) => PALETTES[scheme][role]),
    ground: (position) => scale('g', 'fill', position, (ground) => ground),
    ink: (position) => scale('i', 'fill', position, inkOn),
    schemes: theme === 'auto' ? ['light', 'dark'] : [first],
    only: (scheme) => paint(`in-${scheme}`, 'display', (seen) => (seen === scheme ? 'inline' : 'none')),
    stop: (position) => scale('s', 'stop-color', position, (ground) => ground),
    sheet: () => {
      if (rules.size === 0) return '';
      const dark = Array.from(rules, ([selector, rule]) => `${selector}{${rule}}`).join('');
      return `@media (prefers-color-scheme:dark){${dark}}`;
    },
  };
}
