import { test } from 'vitest';
import { AS_IT_COMES, WITHOUT_CLEARING, expectNoFailure, inChromium } from './test/in-chromium.ts';

inChromium('more of the suite', WITHOUT_CLEARING, (opened) => {
  for (const clause of ['sinks', 'ring']) {
    test(`clause ${clause}`, () => expectNoFailure(opened(), {}, clause));
  }
});

inChromium('as it comes', AS_IT_COMES, (opened) => {
  test('gqa, without subgroups', () => expectNoFailure(opened(), { subgroups: false }, 'gqa'));
});
