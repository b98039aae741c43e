import { describe, expect, test } from 'vitest';
import { readMessages } from '../scripts/messages.mjs';

interface Message {
  readonly package: string;
  readonly place: string;
  readonly codes: readonly string[];
  readonly reasons: readonly string[];
  readonly remedies: readonly string[];
  readonly hasCause: boolean;
}

const MESSAGES: readonly Message[] = readMessages();

/** Words of another error that are passed on: nothing but what is computed, after the name of a place. */
const isRelay = ({ reasons }: Message): boolean =>
  reasons.every((reason) => !/[a-z]{2}/i.test(reason.replaceAll(/^[\w-]+: |\{\w+\}|…|\bworker\b/g, '')));

const OWN = MESSAGES.filter((message) => !isRelay(message));

/** Returns the texts that a rule finds wrong, each with its place. */
function wrong(
  parts: 'reasons' | 'remedies',
  isWrong: (text: string, message: Message) => boolean,
): string[] {
  return OWN.flatMap((message) =>
    message[parts].filter((text) => isWrong(text, message)).map((text) => `${message.place}: ${text}`),
  );
}

/** Verbs that a remedy may begin with: it says what to do. */
const VERBS =
  `add allow append ask await begin call change check choose close compile compute convert copy correct create
  decode define derive dequantize describe dispose do download draw drop encode end expect export fork get give implement
  install keep leave list make merge name open pack pick quantize raise read remove render report resize resolve rollout run save
  see send serve set shorten split start take tell train unpack use view write`.split(/\s+/);

describe('every message of the published packages', () => {
  test('is found, and has a code', () => {
    const packages = new Set(MESSAGES.map((message) => message.package));
    expect([...packages].toSorted()).toEqual(
      expect.arrayContaining([
        '@heed/cli',
        '@heed/conformance',
        '@heed/core',
        '@heed/layers',
        '@heed/models',
      ]),
    );
    expect(OWN.length).toBeGreaterThan(450);
    expect(OWN.filter(({ codes }) => codes.length === 0)).toEqual([]);
  });

  test('ends with a remedy, unless it passes on the words of an engine', () => {
    const without = OWN.filter(({ remedies, hasCause }) => remedies.length === 0 && !hasCause);
    expect(without.map(({ place, reasons }) => `${place}: ${reasons.join(' | ')}`)).toEqual([]);
  });

  test('has a remedy that says what to do, without a capital or a full stop', () => {
    const isNoVerb = (text: string): boolean =>
      !/^(?:…|\{|npm |npx |node |heed )/.test(text) &&
      !/^(?:const \w+ = )?(?:await )?[\w.]+\(/.test(text) &&
      !VERBS.includes(/^[\w']*/.exec(text)![0]);
    expect(wrong('remedies', isNoVerb)).toEqual([]);
    expect(wrong('remedies', (text) => /[.!]$/.test(text))).toEqual([]);
  });

  test('says what was given without a capital, a full stop, a please or a comma for "and"', () => {
    expect(
      wrong(
        'reasons',
        (text) => /^[A-Z][a-z]+ /.test(text) && !/^(?:TensorFlow|WebAssembly|Dawn) /.test(text),
      ),
    ).toEqual([]);
    expect(wrong('reasons', (text) => /[.!]$/.test(text))).toEqual([]);
    expect(wrong('reasons', (text) => /\b(?:please|sorry|oops|invalid|illegal|bad)\b/i.test(text))).toEqual(
      [],
    );
    expect(wrong('reasons', (text) => /\b(?:no|not) \w+, (?:it|there|that) (?:is|has)\b/.test(text))).toEqual(
      [],
    );
    expect(wrong('reasons', (text) => /, expected\b|\bshould be\b|\bmust\b/.test(text))).toEqual([]);
  });

  test('of a wrong shape or type says what was expected', () => {
    const isHalf = (text: string, { codes }: Message): boolean =>
      codes.some((code) => code === 'SHAPE' || code === 'DTYPE') &&
      !/; expected |; .*\b(?:requires|has|have)\b|, which|\bis (?:not|missing|ragged)\b|\bmultiple of\b|\btoo |^\{place\}: \{message\}/.test(
        text,
      );
    expect(wrong('reasons', isHalf)).toEqual([]);
  });
});
