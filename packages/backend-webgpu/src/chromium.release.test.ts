import { test } from 'vitest';
import { AS_IT_COMES, WITHOUT_CLEARING, expectNoFailure, inChromium } from './test/in-chromium.ts';

inChromium('more of the suite', WITHOUT_CLEARING, (opened) => {
  test('clause ring', () => expectNoFailure(opened(), {}, 'ring'));
});

inChromium('as it comes', AS_IT_COMES, (opened) => {
  test('valueDim, without subgroups', () => expectNoFailure(opened(), { subgroups: false }, 'valueDim'));
});
