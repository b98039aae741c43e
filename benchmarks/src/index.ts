export type { Contestant, PreparedContestant, Settings, WorkloadResults } from './contestant.ts';
export { backendContestant } from './contestants/backend.ts';
export { type Machine, installedVersions, machineFacts } from './machine.ts';
export {
  type MeasureOptions,
  type Measurement,
  type Row,
  type WorkloadPeak,
  defaults,
  measure,
} from './measure/measure.ts';
export type { Progress } from './measure/race.ts';
export { type ContestantSource, contestantNamed, peers, tripleLoop } from './process/source.ts';
export { type CatalogOptions, type WorkloadSet, catalog, selectWorkloads } from './workload/catalog.ts';
export { usefulFlops } from './workload/pairs.ts';
export { type WorkloadRequest, requestOf } from './workload/request.ts';
export { type Workload, type WorkloadOptions, minilmWorkload, workload } from './workload/workload.ts';
export {
  type ChartOptions,
  type Figure,
  lengthChart,
  rowsOverLength,
  timeTick,
} from './charts/length-chart.ts';
export { type Line, type LineChartOptions, lineChart } from './charts/line-chart.ts';
export { chartStyle, isHeeds, shortName, stylesOf, type SeriesStyle } from './charts/palette.ts';
export { type Comparison, type ComparisonReport, type Unpaired, compareResults } from './compare/compare.ts';
export { joinResults } from './results/join.ts';
export { type ResultsContext, parseResults, resultsOf } from './results/results.ts';
export type { BenchResults } from './results/schema.ts';
