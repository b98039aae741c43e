import { allCases } from '@heed/conformance';
import { test } from 'vitest';
import { AS_IT_COMES, WITHOUT_CLEARING, expectNoFailure, inChromium } from './test/in-chromium.ts';

const EARLIER = new Set(['softcap', 'ring']);
const clauses = new Set(
  (await allCases()).map(({ clause }) => clause).filter((clause) => !EARLIER.has(clause)),
);

inChromium('the rest of the suite', WITHOUT_CLEARING, (opened) => {
  for (const clause of clauses) {
    test(`clause ${clause}`, () => expectNoFailure(opened(), {}, clause));
  }
});

inChromium('as it comes, whole clauses', AS_IT_COMES, (opened) => {
  for (const clause of ['order', 'causal', 'gqa']) {
    test(`${clause}, without subgroups`, () => expectNoFailure(opened(), { subgroups: false }, clause));
  }
});
