// exports
//   BenchResults
//   CatalogOptions
//   ChartOptions
//   Comparison
//   ComparisonReport
//   Contestant
//   ContestantSource
//   Figure
//   Line
//   LineChartOptions
//   Machine
//   MeasureOptions
//   Measurement
//   PreparedContestant
//   Progress
//   ResultsContext
//   Row
//   SeriesStyle
//   Settings
//   Unpaired
//   Workload
//   WorkloadOptions
//   WorkloadPeak
//   WorkloadRequest
//   WorkloadResults
//   WorkloadSet
//   backendContestant
//   catalog
//   chartStyle
//   compareResults
//   contestantNamed
//   defaults
//   installedVersions
//   isHeeds
//   joinResults
//   lengthChart
//   lineChart
//   machineFacts
//   measure
//   minilmWorkload
//   parseResults
//   peers
//   requestOf
//   resultsOf
//   rowsOverLength
//   selectWorkloads
//   shortName
//   stylesOf
//   timeTick
//   tripleLoop
//   usefulFlops
//   workload

export interface BenchResults {
    readonly format: 'heed-bench/1';
    readonly startedAt: string;
    readonly commit: string | null;
    readonly machine: Machine;
    readonly versions: Readonly<Record<string, string>>;
    readonly settings: BenchSettings;
    readonly note?: string;
    readonly stopped: boolean;
    readonly peak: {
        readonly device: string;
        readonly gflops: number | null;
    };
    readonly workloads: readonly MeasuredWorkload[];
    readonly rows: readonly Row[];
    readonly growth: readonly ContestantGrowth[];
}

export interface BenchSettings {
    readonly threads: number;
    readonly budgetSeconds: number;
    readonly rounds: number;
    readonly turnSeconds: number;
    readonly baseline: string;
}

export interface CatalogOptions {
    readonly lengths?: readonly number[];
    readonly heads?: number;
}

export interface ChartOptions {
    readonly figure: Figure;
    readonly causal: boolean;
    readonly width?: number;
    readonly height?: number;
}

export interface Comparison {
    readonly workload: string;
    readonly contestant: string;
    readonly oldMs: number;
    readonly newMs: number;
    readonly change: number;
    readonly p: number;
    readonly verdict: 'slower' | 'faster' | null;
}

export interface ComparisonReport {
    readonly significance: number;
    readonly calibration: number;
    readonly rows: readonly Comparison[];
    readonly unpaired: readonly Unpaired[];
    readonly differences: readonly string[];
}

export interface Contestant {
    readonly name: string;
    probe(): Promise<Availability>;
    prepare(workload: Workload, request: WorkloadRequest, settings: Settings): Promise<PreparedContestant>;
    processId?(): number;
}

export interface ContestantGrowth {
    readonly contestant: string;
    readonly exponent: number | null;
    readonly lengths: readonly number[];
}

export interface ContestantSource {
    readonly name: string;
    readonly module: string;
}

export type Figure = 'time' | 'speed' | 'memory';

export interface Finish {
    readonly status: 'measured' | 'stopped' | 'too slow' | Refusal['status'];
    readonly device: string | null;
    readonly threads: number | null;
    readonly memory: MemoryUse | null;
    readonly firstRunMs: number | null;
    readonly startMs: number | null;
    readonly roundsMs: readonly number[];
    readonly undisturbedMs: readonly number[];
    readonly samplesMs: readonly (readonly number[])[];
    readonly reason?: string;
    readonly remedy?: string;
    readonly hung?: true;
}

export interface Line {
    readonly name: string;
    readonly style: SeriesStyle;
    readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChartOptions {
    readonly label: string;
    readonly width: number;
    readonly height: number;
    readonly names: 'legend' | 'ends';
    readonly xTitle: string;
    readonly yTick: (value: number) => string;
}

export interface Machine {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly os: string;
    readonly node: string;
    readonly v8: string;
}

export interface MeasureOptions {
    readonly workloads: readonly Workload[];
    readonly contestants: readonly ContestantSource[];
    readonly baseline?: string | undefined;
    readonly threads?: number | undefined;
    readonly budgetSeconds?: number | undefined;
    readonly timeoutSeconds?: number | undefined;
    readonly rounds?: number | undefined;
    readonly turnSeconds?: number | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface MeasuredWorkload {
    readonly workload: Workload;
    readonly flops: number;
    readonly peakGflops: readonly number[];
}

export interface Measurement {
    readonly machine: Machine;
    readonly peakDevice: string;
    readonly peaks: readonly WorkloadPeak[];
    readonly rows: readonly Row[];
    readonly stopped: boolean;
}

export interface MemoryUse {
    readonly peakBytes: number;
    readonly growthBytes: number;
    readonly inputBytes: number;
    readonly outputBytes: number;
}

export interface PreparedContestant {
    readonly device: string;
    readonly threads: number | null;
    run(): Promise<void>;
    results(): Promise<WorkloadResults>;
    turn?(milliseconds: number): Promise<readonly number[]>;
    dispose(): Promise<void>;
}

export interface Progress {
    readonly workload: string;
    readonly contestant: string;
    readonly phase: 'checking' | 'warming up' | 'measuring';
    readonly done: number;
}

export interface Refusal {
    readonly status: 'unavailable' | 'unsupported' | 'failed' | 'wrong' | 'too large';
    readonly device: string | null;
    readonly threads: number | null;
    readonly reason: string;
    readonly remedy?: string;
    readonly hung?: true;
}

export interface ResultsContext {
    readonly startedAt: Date;
    readonly workloads: readonly Workload[];
    readonly contestants: readonly {
        readonly name: string;
    }[];
    readonly versions: Readonly<Record<string, string>>;
    readonly settings: Partial<BenchSettings>;
    readonly note?: string;
}

type Row = BenchResults['rows'][number];

export interface Row {
    readonly workload: string;
    readonly contestant: string;
    readonly device: string | null;
    readonly threads: number | null;
    readonly length: number;
    readonly medianMs: number | null;
    readonly quartilesMs: readonly [number, number] | null;
    readonly gflops: number | null;
    readonly ratio: number | null;
    readonly peakBytes: number | null;
    readonly growthBytes: number | null;
    readonly status: Finish['status'];
    readonly reason?: string;
    readonly remedy?: string;
    readonly roundsMs: readonly number[];
    readonly undisturbedMs: readonly number[];
    readonly samplesMs: readonly (readonly number[])[];
}

declare const SYMBOLS: readonly ['circle', 'rect', 'triangle', 'diamond'];

export interface SeriesStyle {
    readonly color: string;
    readonly width: number;
    readonly dash: 'solid' | readonly [number, number];
    readonly symbol: (typeof SYMBOLS)[number] | 'none';
}

export interface Settings {
    readonly threads: number;
}

export interface Unpaired {
    readonly workload: string;
    readonly contestant: string;
    readonly old: string;
    readonly new: string;
}

export interface Workload {
    readonly name: string;
    readonly batch: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly queryLength: number;
    readonly keyLength: number;
    readonly headDim: number;
    readonly valueDim: number;
    readonly causal: boolean;
    readonly window: {
        readonly left: number | null;
        readonly right: number | null;
    } | null;
    readonly alignment: 'topLeft' | 'bottomRight';
    readonly mask: boolean;
    readonly gradient: boolean;
    readonly source: 'normal' | 'minilm-layer-0' | 'minilm-layer-5';
    readonly seed: number;
}

export interface WorkloadOptions {
    readonly length: number;
    readonly queryLength?: number;
    readonly batch?: number;
    readonly heads?: number;
    readonly kvHeads?: number;
    readonly headDim?: number;
    readonly valueDim?: number;
    readonly causal?: boolean;
    readonly window?: Workload['window'];
    readonly alignment?: Workload['alignment'];
    readonly mask?: boolean;
    readonly gradient?: boolean;
    readonly seed?: number;
}

export interface WorkloadPeak {
    readonly workload: string;
    readonly gflops: readonly number[];
}

export type WorkloadRequest = Omit<AttentionRequest<Tensor>, 'gradient' | keyof RequestedResults> & {
    readonly query: Tensor<'float32'>;
    readonly key: Tensor<'float32'>;
    readonly value: Tensor<'float32'>;
    readonly mask?: Tensor<'bool'>;
};

export interface WorkloadResults {
    readonly output: Tensor;
    readonly dQuery?: Tensor;
    readonly dKey?: Tensor;
    readonly dValue?: Tensor;
}

export interface WorkloadSet {
    readonly name: string;
    readonly about: string;
    readonly workloads: readonly Workload[];
}

export declare function backendContestant(provider: BackendProvider, options?: {
    readonly name?: string;
}): Contestant;

export declare function catalog(options?: CatalogOptions): WorkloadSet[];

export declare const chartStyle: string;

export declare function compareResults(old: BenchResults, fresh: BenchResults): ComparisonReport;

export declare function contestantNamed(name: string): ContestantSource;

export declare function defaults(): {
    threads: number;
    budgetSeconds: number;
    rounds: number;
    turnSeconds: number;
    baseline: string;
};

export declare function installedVersions(packages: readonly string[]): Record<string, string>;

export declare function isHeeds(contestant: string): boolean;

export declare function joinResults(parts: readonly BenchResults[]): BenchResults;

export declare function lengthChart(results: BenchResults, options: ChartOptions): string | null;

export declare function lineChart(lines: readonly Line[], options: LineChartOptions): string;

export declare function machineFacts(): Machine;

export declare function measure(options: MeasureOptions): Promise<Measurement>;

export declare function minilmWorkload(layer: 0 | 5): Workload;

export declare function parseResults(json: string, name: string): BenchResults;

export declare function peakBytes(pid: number): number;

export declare const peers: readonly ContestantSource[];

export declare function requestOf(of: Workload): Promise<WorkloadRequest>;

export declare function resultsOf(measurement: Measurement, context: ResultsContext): BenchResults;

export declare function rowsOverLength({ rows, workloads }: BenchResults, causal: boolean): Row[];

export declare function selectWorkloads(names: readonly string[], options?: CatalogOptions): {
    readonly workloads: readonly Workload[];
    readonly unknown: readonly string[];
};

export declare function shortName(contestant: string): string;

export declare function stylesOf(contestants: readonly string[], baseline: string): Map<string, SeriesStyle>;

export declare function timeTick(milliseconds: number): string;

export declare const tripleLoop: ContestantSource;

export declare function usefulFlops(of: Workload): number;

export declare function workload(options: WorkloadOptions): Workload;
