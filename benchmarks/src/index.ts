export type { Contestant, PreparedContestant, Settings, WorkloadResults } from './contestant.ts';
export { backendContestant } from './contestants/backend.ts';
export { type Machine, machineFacts } from './machine.ts';
export {
  type MeasureOptions,
  type Measurement,
  type Row,
  type WorkloadPeak,
  measure,
} from './measure/measure.ts';
export type { Progress } from './measure/race.ts';
export { type ContestantSource, contestantNamed, peers, tripleLoop } from './process/source.ts';
export { type CatalogueOptions, type WorkloadSet, catalogue, selectWorkloads } from './workload/catalogue.ts';
export { usefulFlops } from './workload/pairs.ts';
export { type WorkloadRequest, requestOf } from './workload/request.ts';
export { type Workload, type WorkloadOptions, minilmWorkload, workload } from './workload/workload.ts';
