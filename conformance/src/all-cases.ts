import type { ConformanceCase } from './case.ts';
import { accuracyCases } from './cases/required/accuracy.ts';
import { alibiCases } from './cases/features/alibi.ts';
import { alignmentCases } from './cases/features/alignment.ts';
import { biasCases } from './cases/features/bias.ts';
import { causalCases } from './cases/features/causal.ts';
import { combinationCases } from './cases/required/combination/combination.ts';
import { contractCases } from './cases/required/contract.ts';
import { dtypeCases } from './cases/required/dtype.ts';
import { emptyCases } from './cases/required/empty.ts';
import { errorCases } from './cases/required/errors/errors.ts';
import { foreignStatisticsCases } from './cases/features/foreign-statistics.ts';
import { gqaCases } from './cases/features/gqa.ts';
import { gradientCases } from './cases/features/gradient.ts';
import { batchCases } from './cases/guarantees/batch.ts';
import { nonfiniteCases } from './cases/guarantees/nonfinite.ts';
import { paddingCases } from './cases/guarantees/padding/padding.ts';
import { partialPaddingCases } from './cases/guarantees/padding/partly-excluded.ts';
import { repeatCases } from './cases/guarantees/repeat.ts';
import { inputsCases } from './cases/required/inputs.ts';
import { layoutCases, valueDimCases } from './cases/features/layout.ts';
import { lengthsCases } from './cases/features/lengths.ts';
import { lifeCases } from './cases/required/life/life.ts';
import { maskCases } from './cases/features/mask.ts';
import { mergeCases } from './cases/features/merge.ts';
import { orderCases } from './cases/required/order.ts';
import { outputCases } from './cases/features/outputs.ts';
import { overflowCases } from './cases/required/overflow.ts';
import { equivalencePropertyCases } from './cases/properties/equivalence.ts';
import { orderPropertyCases } from './cases/properties/order.ts';
import { outputPropertyCases } from './cases/properties/outputs.ts';
import { refusalCases } from './cases/required/refusal.ts';
import { residentCases } from './cases/required/resident/resident.ts';
import { segmentsCases } from './cases/features/segments.ts';
import { selectionCases } from './cases/features/selection.ts';
import { shapeCases } from './cases/required/shape.ts';
import { sinksCases } from './cases/features/sinks.ts';
import { softcapCases } from './cases/features/softcap.ts';
import { windowCases } from './cases/features/window.ts';
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
