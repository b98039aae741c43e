/** Numbers below 64 in a byte, as sizes and the like are in WebAssembly. */
const i32 = 0x7f;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const constant = (value: number): number[] => [0x41, value];
const load = (offset: number): number[] => [0x28, 2, offset];
const store = (offset: number): number[] => [0x36, 2, offset];
const add = [0x6a];
const multiply = [0x6c];
const [TASK, FRAME, N, SUM] = [0, 1, 3, 4];

/** Repeats a body N times, N counting down. */
const repeat = (body: readonly number[]): number[] => [
  ...[0x02, 0x40, 0x03, 0x40, ...get(N), 0x45, 0x0d, 1],
  ...body,
  ...[...get(N), ...constant(1), 0x6b, ...set(N), 0x0c, 0, 0x0b, 0x0b],
];
/** The address of the cell of a task, of which frame + 4 is the first. */
const cell = (task: readonly number[]): number[] => [
  ...task,
  ...constant(4),
  ...multiply,
  ...get(FRAME),
  ...add,
];

/**
 * Kernels whose faults show. The frame has how many rounds a task takes, then a cell for each of up to 14 tasks, then
 * another.
 */
const functions: Readonly<Record<string, readonly number[]>> = {
  /** Takes its time, then adds 1 to the task's first cell. */
  count: [
    ...[...get(FRAME), ...load(0), ...set(N)],
    ...repeat([]),
    ...[...cell(get(TASK)), ...cell(get(TASK)), ...load(4), ...constant(1), ...add, ...store(4)],
  ],
  /** The sum of 14 first cells, to the task's second cell. */
  sum: [
    ...[...constant(14), ...set(N)],
    ...repeat([...cell(get(N)), ...load(0), ...get(SUM), ...add, ...set(SUM)]),
    ...[...cell(get(TASK)), ...get(SUM), ...store(60)],
  ],
  /** Task 3 fails. */
  fail: [...get(TASK), ...constant(3), 0x46, 0x04, 0x40, 0x00, 0x0b],
};

const text = (value: string): number[] => [value.length, ...new TextEncoder().encode(value)];
const list = (items: readonly (readonly number[])[]): number[] => [items.length, ...items.flat()];
const section = (id: number, content: readonly number[]): number[] => [
  id,
  ...size(content.length),
  ...content,
];
const size = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, value >> 7]);

/** A module of these kernels. */
export function tinyModule(shared: boolean): Uint8Array<ArrayBuffer> {
  const bodies = Object.values(functions).map((code) => [1, 2, i32, ...code, 0x0b]);
  const names = Object.keys(functions);
  const limits = shared ? [3, 1, 0x80, 0x80, 0x04] : [0, 1];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 3, i32, i32, i32, 0]),
    ...section(2, [1, ...text('env'), ...text('memory'), 2, ...limits]),
    ...section(3, list(names.map(() => [0]))),
    ...section(7, list(names.map((name, index) => [...text(name), 0, index]))),
    ...section(10, list(bodies.map((body) => [...size(body.length), ...body]))),
  ]);
}
