import type { ConformanceCase } from './case.ts';
import { accuracyCases, accuracyPurposes } from './cases/required/accuracy.ts';
import { alibiCases, alibiPurposes } from './cases/features/alibi.ts';
import { alignmentCases, alignmentPurposes } from './cases/features/alignment.ts';
import { biasCases, biasPurposes } from './cases/features/bias.ts';
import { cacheCases, cachePurposes } from './cases/features/cache.ts';
import { dropoutCases, dropoutPurposes } from './cases/features/dropout.ts';
import { originCases, originPurposes } from './cases/features/origin.ts';
import { ringCases, ringPurposes } from './cases/features/ring.ts';
import { valueFromKeyCases, valueFromKeyPurposes } from './cases/features/value-from-key.ts';
import { pagesCases, pagesPurposes } from './cases/features/pages.ts';
import { causalCases, causalPurposes } from './cases/features/causal.ts';
import { cacheCombinationCases, cacheCombinationPurposes } from './cases/required/combination/caches.ts';
import { combinationCases, combinationPurposes } from './cases/required/combination/features.ts';
import { contractCases, contractPurposes } from './cases/required/contract.ts';
import { halfCases, halfPurposes } from './cases/required/half.ts';
import { dtypeCases, dtypePurposes } from './cases/required/dtype.ts';
import { emptyCases, emptyPurposes } from './cases/required/empty.ts';
import { errorCases, errorPurposes } from './cases/required/errors/errors.ts';
import { foreignStatisticsCases, foreignStatisticsPurposes } from './cases/features/foreign-statistics.ts';
import { gqaCases, gqaPurposes } from './cases/features/gqa.ts';
import { gradientCases, gradientPurposes } from './cases/features/gradient.ts';
import { batchCases, batchPurposes } from './cases/guarantees/batch.ts';
import { nonfiniteCases, nonfinitePurposes } from './cases/guarantees/nonfinite.ts';
import { paddingCases, paddingPurposes } from './cases/guarantees/padding/padding.ts';
import { partialPaddingCases, partialPaddingPurposes } from './cases/guarantees/padding/partly-excluded.ts';
import { repeatCases, repeatPurposes } from './cases/guarantees/repeat.ts';
import { inputsCases, inputsPurposes } from './cases/required/inputs.ts';
import { layoutCases, layoutPurposes, valueDimCases, valueDimPurposes } from './cases/features/layout.ts';
import { lengthsCases, lengthsPurposes } from './cases/features/lengths.ts';
import { lifeCases, lifePurposes } from './cases/required/life/life.ts';
import {
  elementDropoutCases,
  elementDropoutPurposes,
} from './cases/operations/element-dropout/element-dropout.ts';
import { embeddingCases, embeddingPurposes } from './cases/operations/embedding/embedding.ts';
import { linearCases, linearPurposes } from './cases/operations/linear/linear.ts';
import { normCases, normPurposes } from './cases/operations/norm/norm.ts';
import { rotaryCases, rotaryPurposes } from './cases/operations/rotary/rotary.ts';
import { maskCases, maskPurposes } from './cases/features/mask.ts';
import { mergeGradientsCases, mergeGradientsPurposes } from './cases/features/merge-gradients.ts';
import { mergeCases, mergePurposes } from './cases/features/merge.ts';
import { orderCases, orderPurposes } from './cases/required/order.ts';
import { outputCases, outputPurposes } from './cases/features/outputs.ts';
import { overflowCases, overflowPurposes } from './cases/required/overflow.ts';
import { equivalencePropertyCases, equivalencePropertyPurposes } from './cases/properties/equivalence.ts';
import { orderPropertyCases, orderPropertyPurposes } from './cases/properties/order.ts';
import { outputPropertyCases, outputPropertyPurposes } from './cases/properties/outputs.ts';
import { refusalCases, refusalPurposes } from './cases/required/refusal.ts';
import { residentCases, residentPurposes } from './cases/required/resident/resident.ts';
import { segmentsCases, segmentsPurposes } from './cases/features/segments.ts';
import { selectionCases, selectionPurposes } from './cases/features/selection.ts';
import { type Purposes, clauseOfId, explained } from './cases/building/purposes.ts';
import { shapeCases, shapePurposes } from './cases/required/shape.ts';
import { sinksCases, sinksPurposes } from './cases/features/sinks.ts';
import { softcapCases, softcapPurposes } from './cases/features/softcap.ts';
import { windowCases, windowPurposes } from './cases/features/window.ts';
import { bundledCases } from './outside/bundled-cases.ts';

/** Every part of the suite with the purpose of its cases, in the order of SPEC.md. */
export const PARTS: readonly (readonly [Purposes, () => readonly ConformanceCase[]])[] = [
  [shapePurposes, shapeCases],
  [orderPurposes, orderCases],
  [emptyPurposes, emptyCases],
  [overflowPurposes, overflowCases],
  [inputsPurposes, inputsCases],
  [accuracyPurposes, accuracyCases],
  [combinationPurposes, combinationCases],
  [cacheCombinationPurposes, cacheCombinationCases],
  [dtypePurposes, dtypeCases],
  [halfPurposes, halfCases],
  [contractPurposes, contractCases],
  [refusalPurposes, refusalCases],
  [errorPurposes, errorCases],
  [lifePurposes, lifeCases],
  [residentPurposes, residentCases],
  [layoutPurposes, layoutCases],
  [valueDimPurposes, valueDimCases],
  [gqaPurposes, gqaCases],
  [cachePurposes, cacheCases],
  [pagesPurposes, pagesCases],
  [ringPurposes, ringCases],
  [valueFromKeyPurposes, valueFromKeyCases],
  [maskPurposes, maskCases],
  [biasPurposes, biasCases],
  [alignmentPurposes, alignmentCases],
  [causalPurposes, causalCases],
  [windowPurposes, windowCases],
  [lengthsPurposes, lengthsCases],
  [segmentsPurposes, segmentsCases],
  [alibiPurposes, alibiCases],
  [softcapPurposes, softcapCases],
  [sinksPurposes, sinksCases],
  [outputPurposes, outputCases],
  [foreignStatisticsPurposes, foreignStatisticsCases],
  [selectionPurposes, selectionCases],
  [originPurposes, originCases],
  [dropoutPurposes, dropoutCases],
  [gradientPurposes, gradientCases],
  [mergePurposes, mergeCases],
  [mergeGradientsPurposes, mergeGradientsCases],
  [orderPropertyPurposes, orderPropertyCases],
  [equivalencePropertyPurposes, equivalencePropertyCases],
  [outputPropertyPurposes, outputPropertyCases],
  [linearPurposes, linearCases],
  [normPurposes, normCases],
  [rotaryPurposes, rotaryCases],
  [embeddingPurposes, embeddingCases],
  [elementDropoutPurposes, elementDropoutCases],
  [paddingPurposes, paddingCases],
  [partialPaddingPurposes, partialPaddingCases],
  [nonfinitePurposes, nonfiniteCases],
  [repeatPurposes, repeatCases],
  [batchPurposes, batchCases],
];

/** Clauses of the cases that {@link bundledCases} reads. */
const BUNDLED_CLAUSES: readonly string[] = [
  'order',
  'accuracy',
  'layout',
  'valueDim',
  'gqa',
  'mask',
  'alignment',
  'causal',
  'window',
  'lengths',
  'softcap',
  'gradient',
];

/** Cases of parts that were asked for: what the judge expects of a case is kept with it. */
const made = new Map<Purposes, readonly ConformanceCase[]>();
const outside = kept(async () => (await bundledCases()).cases);
const whole = kept(() => collect(() => true));

/**
 * Every case of the suite, in the order of SPEC.md, and the bundled cases from outside. The next call retries files that
 * could not be read: a page fetches them.
 */
export function allCases(): Promise<readonly ConformanceCase[]> {
  return whole();
}

/** The cases of some clauses, and a few others: no more of the suite is made than these need. All, if there is no such clause. */
export function casesOf(clauses: readonly string[]): Promise<readonly ConformanceCase[]> {
  const known = new Set(PARTS.flatMap(([purposes]) => clausesOf(purposes)));
  if (!clauses.every((clause) => known.has(clause))) return allCases();
  return collect((clause) => clauses.includes(clause));
}

function clausesOf(purposes: Purposes): string[] {
  return Object.keys(purposes).map(clauseOfId);
}

async function collect(isWanted: (clause: string) => boolean): Promise<readonly ConformanceCase[]> {
  const own = PARTS.filter(([purposes]) => clausesOf(purposes).some(isWanted)).flatMap(casesOfPart);
  return BUNDLED_CLAUSES.some(isWanted) ? [...own, ...(await outside())] : own;
}

function casesOfPart([purposes, makeCases]: (typeof PARTS)[number]): readonly ConformanceCase[] {
  const cases = made.get(purposes) ?? explained(purposes, makeCases());
  made.set(purposes, cases);
  return cases;
}

/** Makes once, and again where it failed. */
function kept<T>(make: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= make().catch((error: unknown) => {
      result = undefined;
      throw error;
    });
    return result;
  };
}
