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
    expect(engineFailure.reason).toBe('the engine failed');
  });

  test('says the remedy in its message, which is all that a console shows', () => {
    expect(engineFailure.message).toBe('the engine failed; try another');
    expect(String(engineFailure)).toBe('HeedError: the engine failed; try another');
    expect(engineFailure.stack).toContain('the engine failed; try another');
  });

  test.each([
    [
      'of an error that is passed on',
      new HeedError('ENGINE', engineFailure.message, { remedy: 'try another' }),
    ],
    [
      'of an error in words of a place',
      new HeedError('ENGINE', `here: ${engineFailure.message}`, { remedy: 'try another' }),
    ],
    ['that came as JSON', HeedError.fromJSON(engineFailure.toJSON())],
    ['that came as JSON twice', HeedError.fromJSON(HeedError.fromJSON(engineFailure.toJSON()).toJSON())],
  ])('does not say the remedy twice in a message %s', (_, error) => {
    expect(error.message.match(/try another/g)).toHaveLength(1);
    expect(error.message).toBe(`${error.reason}; try another`);
    expect(error.reason).not.toContain('try another');
    expect(error.remedy).toBe('try another');
  });

  test('ends a question before the remedy', () => {
    const error = new HeedError('UNKNOWN_OPTION', 'did you mean this?', { remedy: 'leave it out' });
    expect([error.message, error.reason]).toEqual(['did you mean this? leave it out', 'did you mean this?']);
    expect(HeedError.fromJSON(error.toJSON()).message).toBe(error.message);
  });

  test('without details has none', () => {
    const error = new HeedError('SHAPE', 'wrong');
    expect([error.clause, error.remedy, 'cause' in error]).toEqual([undefined, undefined, false]);
    expect([error.message, error.reason]).toEqual(['wrong', 'wrong']);
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
      message: 'the engine failed; try another',
      reason: 'the engine failed',
      clause: 'mask',
      remedy: 'try another',
    });
    expect(arrived.cause).toBe('RangeError: stack overflow');
    expect(arrived.toJSON()).toEqual(engineFailure.toJSON());
  });

  const hostile = {
    get name(): string {
      throw new Error('no name');
    },
    get message(): string {
      throw new Error('no message');
    },
    get [Symbol.toStringTag](): string {
      throw new Error('no tag');
    },
  };
  const hostileError = Object.defineProperties(new Error('a'), Object.getOwnPropertyDescriptors(hostile));
  const cycle: unknown[] = ['a'];
  cycle.push(cycle);
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();

  test.each<[string, unknown, string]>([
    ['without a prototype', Object.create(null), 'object'],
    ['with getters that throw', hostile, 'object'],
    ['that is an error with getters that throw', hostileError, 'object'],
    ['with a toString that throws', { toString: () => hostile.name }, 'object'],
    ['with a toString that returns no text', { toString: () => ({}) }, 'object'],
    ['that is a revoked proxy', revoked, 'object'],
    ['with itself in it', cycle, 'a,'],
    ['that is a symbol', Symbol('a'), 'Symbol(a)'],
    ['that is null', null, 'null'],
    ['that is a lone surrogate', '\ud800', '\ud800'],
  ])('has a JSON with a cause %s', (_, cause, text) => {
    const error = new HeedError('ENGINE', 'the engine failed', { cause });
    expect(error.toJSON()).toEqual({
      heedError: 1,
      code: 'ENGINE',
      message: 'the engine failed',
      cause: text,
    });
    expect(HeedError.fromJSON(error.toJSON()).cause).toBe(text);
  });

  test('is what JSON.stringify writes', () => {
    expect(JSON.parse(JSON.stringify({ error: engineFailure }))).toEqual({ error: engineFailure.toJSON() });
  });
});

describe('isInstance', () => {
  beforeEach(() => vi.resetModules());

  test('recognizes an error of another copy of the package, where instanceof does not', async () => {
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

  test('a proxy that was revoked is none', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(HeedError.isInstance(proxy)).toBe(false);
  });
});
