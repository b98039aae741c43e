import { beforeEach, describe, expect, test, vi } from 'vitest';
import { HeedError, type HeedErrorJSON } from './index.ts';

const engineFailure = new HeedError('ENGINE', 'the engine failed', {
  clause: 'mask',
  remedy: 'try another',
  cause: new RangeError('stack overflow'),
});

describe('an error', () => {
  test('carries its code, clause, remedy and cause', () => {
    expect(engineFailure).toMatchObject({
      name: 'HeedError',
      code: 'ENGINE',
      clause: 'mask',
      remedy: 'try another',
    });
    expect(engineFailure.cause).toBeInstanceOf(RangeError);
    expect(engineFailure).toBeInstanceOf(Error);
    expect(String(engineFailure)).toBe('HeedError: the engine failed');
  });

  test('without details has none', () => {
    const error = new HeedError('SHAPE', 'wrong');
    expect([error.clause, error.remedy, 'cause' in error]).toEqual([undefined, undefined, false]);
    expect(error.toJSON()).toEqual({ heedError: 1, code: 'SHAPE', message: 'wrong' });
  });

  test.each([
    ['structuredClone', (json: HeedErrorJSON) => structuredClone(json)],
    ['JSON', (json: HeedErrorJSON) => JSON.parse(JSON.stringify(json)) as HeedErrorJSON],
  ])('survives %s through toJSON and fromJSON', (_, travel) => {
    const arrived = HeedError.fromJSON(travel(engineFailure.toJSON()));
    expect(HeedError.isInstance(arrived)).toBe(true);
    expect(arrived).toMatchObject({
      code: 'ENGINE',
      message: 'the engine failed',
      clause: 'mask',
      remedy: 'try another',
    });
    expect(arrived.cause).toBe('RangeError: stack overflow');
    expect(arrived.toJSON()).toEqual(engineFailure.toJSON());
  });

  test('is what JSON.stringify writes', () => {
    expect(JSON.parse(JSON.stringify({ error: engineFailure }))).toEqual({ error: engineFailure.toJSON() });
  });
});

describe('isInstance', () => {
  beforeEach(() => vi.resetModules());

  test('recognises an error of another copy of the package, where instanceof does not', async () => {
    const { HeedError: Other } = await import('./error.ts');
    const error = new Other('SHAPE', 'from elsewhere');
    expect(Other).not.toBe(HeedError);
    expect(error).not.toBeInstanceOf(HeedError);
    expect(HeedError.isInstance(error)).toBe(true);
    expect(Other.isInstance(engineFailure)).toBe(true);
  });

  test.each([null, undefined, 'SHAPE', new Error('SHAPE'), { code: 'SHAPE' }, { heedError: 1 }])(
    '%s is none',
    (value) => {
      expect(HeedError.isInstance(value)).toBe(false);
    },
  );
});
