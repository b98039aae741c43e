export type { Contestant, PreparedContestant } from './contestant.ts';
export { backendContestant } from './contestants/backend.ts';
export { contestantNamed, peers } from './contestants/by-name.ts';
export { tfjsCpu } from './contestants/tfjs-cpu.ts';
export { tripleLoop } from './contestants/triple-loop.ts';
export { type Machine, machineFacts } from './machine.ts';
export { type MeasureOptions, type Measurement, type Row, measure } from './measure.ts';
export { type MemoryReport, type MemoryUse, memoryOf } from './memory.ts';
export { type Entrant, type Finish, type Progress, type RaceOptions, race } from './race.ts';
export {
  type Workload,
  type WorkloadOptions,
  type WorkloadRequest,
  requestOf,
  usefulFlops,
  workload,
} from './workload.ts';
