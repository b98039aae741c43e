import { describe, expect, test } from 'vitest';
import { tensor } from '../../tensor.ts';
import { type RotaryTableOptions, rotaryTable } from './table.ts';

describe('rotaryTable', () => {
  test('computes far positions in float64 and rounds them once', () => {
    const { cosines, sines } = rotaryTable({ positions: [1_000_003], frequencies: [0.1] });
    expect(cosines.dtype).toBe('float32');
    expect(cosines.data[0]).toBe(Math.fround(Math.cos(1_000_003 * 0.1)));
    expect(sines.data[0]).toBe(Math.fround(Math.sin(1_000_003 * 0.1)));
  });

  test('has a row for each position of each batch element', () => {
    const positions = [
      [0, 7, 2],
      [5, 5, 1],
    ];
    const frequencies = Float64Array.of(1, 0.25);
    const { cosines, sines } = rotaryTable({ positions, frequencies, factor: 1.5, dtype: 'float64' });
    expect(cosines.shape).toEqual([2, 3, 2]);
    expect(sines.shape).toEqual([2, 3, 2]);
    positions.flat().forEach((position, row) => {
      frequencies.forEach((frequency, n) => {
        expect(cosines.data[row * 2 + n]).toBe(1.5 * Math.cos(position * frequency));
        expect(sines.data[row * 2 + n]).toBe(1.5 * Math.sin(position * frequency));
      });
    });
  });

  test.each<[string, object, string]>([
    ['no positions', { frequencies: [1] }, 'MISSING_INPUT'],
    ['no frequencies', { positions: [0] }, 'ARGUMENT'],
    ['frequencies that are not numbers', { positions: [0], frequencies: ['1'] }, 'ARGUMENT'],
    ['an infinite frequency', { positions: [0], frequencies: [Infinity] }, 'ARGUMENT'],
    ['a factor of NaN', { positions: [0], frequencies: [1], factor: NaN }, 'ARGUMENT'],
    ['a type that is not computed in', { positions: [0], frequencies: [1], dtype: 'float16' }, 'ARGUMENT'],
    ['an unknown name', { positions: [0], frequencies: [1], base: 1 }, 'UNKNOWN_OPTION'],
    ['positions of three axes', { positions: [[[0]]], frequencies: [1] }, 'SHAPE'],
    ['positions that are floats', { positions: tensor(new Float32Array(1), [1]), frequencies: [1] }, 'DTYPE'],
  ])('refuses %s', (_, options, code) => {
    expect(() => rotaryTable(options as RotaryTableOptions)).toThrow(
      expect.objectContaining({ code }) as Error,
    );
  });
});
