import { expect, test, vi } from 'vitest';
import { allCases, casesOf } from './all-cases.ts';
import * as bundled from './outside/bundled-cases.ts';

vi.mock('./outside/bundled-cases.ts', { spy: true });

test('cases that could not be read are read again by the next call, and kept by later ones', async () => {
  const offline = new Error('no network');
  vi.mocked(bundled.bundledCases).mockRejectedValueOnce(offline);
  await expect(allCases()).rejects.toBe(offline);
  const cases = await allCases();
  expect(cases.length).toBeGreaterThan(1000);
  expect(await allCases()).toBe(cases);
  expect(bundled.bundledCases).toHaveBeenCalledTimes(2);
});

test('the cases of any clause are all there when no other clause is asked for', async () => {
  const cases = await allCases();
  for (const clause of new Set(cases.map((theCase) => theCase.clause))) {
    const some = await casesOf([clause]);
    const ofClause = cases.filter((theCase) => theCase.clause === clause);
    expect(some.filter((theCase) => theCase.clause === clause)).toEqual(ofClause);
    expect(some.length).toBeLessThan(cases.length / 2);
  }
});
