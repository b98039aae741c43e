import type { ConformanceCase } from './case.ts';
import { accuracyCases } from './cases/accuracy.ts';
import { alibiCases } from './cases/alibi.ts';
import { alignmentCases } from './cases/alignment.ts';
import { biasCases } from './cases/bias.ts';
import { causalCases } from './cases/causal.ts';
import { combinationCases } from './cases/combination.ts';
import { contractCases } from './cases/contract.ts';
import { dtypeCases } from './cases/dtype.ts';
import { emptyCases } from './cases/empty.ts';
import { errorCases } from './cases/errors.ts';
import { foreignStatisticsCases } from './cases/foreign-statistics.ts';
import { gqaCases } from './cases/gqa.ts';
import { gradientCases } from './cases/gradient.ts';
import { batchCases } from './cases/guarantee-batch.ts';
import { nonfiniteCases } from './cases/guarantee-nonfinite.ts';
import { paddingCases } from './cases/guarantee-padding.ts';
import { partialPaddingCases } from './cases/guarantee-partial-padding.ts';
import { repeatCases } from './cases/guarantee-repeat.ts';
import { inputsCases } from './cases/inputs.ts';
import { layoutCases, valueDimCases } from './cases/layout.ts';
import { lengthsCases } from './cases/lengths.ts';
import { lifeCases } from './cases/life.ts';
import { maskCases } from './cases/mask.ts';
import { mergeCases } from './cases/merge.ts';
import { orderCases } from './cases/order.ts';
import { outputCases } from './cases/outputs.ts';
import { overflowCases } from './cases/overflow.ts';
import { equivalencePropertyCases } from './cases/property-equivalence.ts';
import { orderPropertyCases } from './cases/property-order.ts';
import { outputPropertyCases } from './cases/property-outputs.ts';
import { refusalCases } from './cases/refusal.ts';
import { residentCases } from './cases/resident.ts';
import { segmentsCases } from './cases/segments.ts';
import { selectionCases } from './cases/selection.ts';
import { shapeCases } from './cases/shape.ts';
import { sinksCases } from './cases/sinks.ts';
import { softcapCases } from './cases/softcap.ts';
import { windowCases } from './cases/window.ts';
import { bundledCases } from './outside/bundled-cases.ts';

let cases: Promise<readonly ConformanceCase[]> | undefined;

/** Every case of the suite, in the order of SPEC.md, and those from outside that come with it. */
export function allCases(): Promise<readonly ConformanceCase[]> {
  cases ??= collect();
  return cases;
}

async function collect(): Promise<readonly ConformanceCase[]> {
  return [
    ...shapeCases(),
    ...orderCases(),
    ...emptyCases(),
    ...overflowCases(),
    ...inputsCases(),
    ...accuracyCases(),
    ...combinationCases(),
    ...dtypeCases(),
    ...contractCases(),
    ...refusalCases(),
    ...errorCases(),
    ...lifeCases(),
    ...residentCases(),
    ...layoutCases(),
    ...valueDimCases(),
    ...gqaCases(),
    ...maskCases(),
    ...biasCases(),
    ...alignmentCases(),
    ...causalCases(),
    ...windowCases(),
    ...lengthsCases(),
    ...segmentsCases(),
    ...alibiCases(),
    ...softcapCases(),
    ...sinksCases(),
    ...outputCases(),
    ...foreignStatisticsCases(),
    ...selectionCases(),
    ...gradientCases(),
    ...mergeCases(),
    ...orderPropertyCases(),
    ...equivalencePropertyCases(),
    ...outputPropertyCases(),
    ...paddingCases(),
    ...partialPaddingCases(),
    ...nonfiniteCases(),
    ...repeatCases(),
    ...batchCases(),
    ...(await bundledCases()).cases,
  ];
}
