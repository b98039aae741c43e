import { type Geometry, KEYS, exchangesRows, ownKeys, ownRow, scoreOf, strideOf } from '../plan/geometry.ts';
import { THREADS, each } from './module.ts';
import { vectorsOf } from './tensors.ts';

/**
 * The products of a tile: each invocation sums, for its rows r and four neighboring keys, query · key in order of the
 * head size. `fma` in that order is the same in every kernel, and so are the bits of the scores: the gradient must not
 * see other scores than the forward pass saw.
 */
export const CHAIN = `
fn chain(a: vec4f, b: vec4f, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}`;

/**
 * Code that reads numbers of each row of an invocation from `array[place(row)]`. Four neighbors that have the same rows read a quarter
 * of them each and exchange them, where subgroups allow: reading is what takes the time of a tile.
 */
function readShared(
  name: string,
  geometry: Geometry,
  array: string,
  place: (row: string) => string,
  areNeighborsAlike = true,
): {
  /** Code of all that is read. */
  readonly read: string;
  /** Code of the numbers of row r, to stand where they are used: what is known for long takes registers. */
  of(r: number): string;
} {
  const { rowsEach } = geometry;
  const isShared = exchangesRows(geometry) && areNeighborsAlike;
  const step = isShared ? 4 : 1;
  const swaps = ['', 'quadSwapX', 'quadSwapY', 'quadSwapDiagonal'];
  return {
    read: each(
      rowsEach / step,
      (n) => `      let ${name}${n * step} = ${array}[${place(ownRow(geometry, n * step))}];`,
    ),
    of: (r) => `${swaps[r % step]}(${name}${r - (r % step)})`,
  };
}

/** Bits of the weight of a key that its row does not attend to, in workgroup memory: a zero, but no exponential has its sign. */
export const UNATTENDED = 'const UNATTENDED = 0x80000000u;';

/** One side of a product: a tensor's rows, and their addresses. */
export interface Operand {
  /** Vectors of a row. */
  readonly vectors: number;
  /** Code of the bits of vector `n` of row or key `index`, 0 for one that is not there. */
  load(index: string, n: string): string;
  /** Code that notes a non-finite vector of it. */
  spoil?(index: string): string;
}

/** Rows that invocations read themselves, where they are stored. */
export interface DirectOperand extends Operand {
  /** Code of the address of row `index`: of some row, for one that is not there. */
  address(index: string): string;
  /** Code of the bits of vector `n` of the row at an address. */
  at(address: string, n: string): string;
  /** Code of the distance from one row to the next, if all have the same. */
  readonly step?: string;
}

/**
 * Code that brings vectors `from` … of rows of an operand to workgroup memory; `slot` says where a row goes. Numbers that are not finite
 * become 0.
 */
export function stage(
  operand: Operand,
  {
    rows,
    from,
    count,
    isWhole = false,
    target,
    slot,
  }: {
    readonly rows: number;
    readonly from: string;
    readonly count: number;
    /** True if a row has all vectors that are asked for. */
    readonly isWhole?: boolean;
    readonly target: string;
    slot(index: string): string;
  },
): string {
  // Each invocation keeps its column where it can: dividing an index takes longer than adding to it.
  const isEven = THREADS % count === 0;
  const loop = isEven
    ? `  for (var index = thread >> ${Math.log2(count)}u; index < ${rows}u; index += ${THREADS / count}u) {
    let part = thread & ${count - 1}u;`
    : `  for (var unit = thread; unit < ${rows * count}u; unit += ${THREADS}u) {
    let index = unit / ${count}u;
    let part = unit % ${count}u;`;
  return `
${loop}
    let n = ${from} + part;
    ${
      isWhole
        ? `let bits = ${operand.load('index', 'n')};`
        : `var bits = vec4u(0u);
    if (n < ${operand.vectors}u) { bits = ${operand.load('index', 'n')}; }`
    }
    let place = ${slot('index')} + part;
    ${target}[place] = bitcast<vec4f>(bits);
    if (any(areNonFinite(bits))) {
      ${target}[place] = finite(bits);
      ${operand.spoil ? operand.spoil('index') : ''}
    }
  }`;
}

/** Place of key k of a tile: neighbors lie in different banks for the invocations that read them at once. */
function keySlot({ keyThreads }: Geometry, chunk: number, offset: number) {
  return (index: string): string =>
    `${offset}u + ((${index} & ${KEYS - 1}u) * ${keyThreads}u + (${index} >> ${Math.log2(KEYS)}u)) * ${strideOf(chunk)}u`;
}

/**
 * `NAME0` … become the products of a tile, from 0. All invocations must take part.
 *
 * @param kept the array that whole rows of `a` are in already, or null.
 */
export function products(
  name: string,
  geometry: Geometry,
  a: Operand,
  b: Operand,
  kept: string | null,
): string {
  const { rowsEach, rows, keys, keyThreads, chunk, keyChunk } = geometry;
  const count = Math.min(kept === null ? chunk : keyChunk, a.vectors);
  const begin = each(rowsEach, (r) => `  var ${name}${r} = vec4f(0.0);`);
  const rowStride = kept === null ? strideOf(count) : strideOf(a.vectors);
  const keyOffset = kept === null ? rows * strideOf(count) : 0;
  const rowPlace = (row: string): string =>
    `${row} * ${rowStride}u + ${kept === null ? '' : 'firstPart + '}n`;
  const keyPlace = (k: number): string =>
    `${keyOffset}u + (threadKey + ${keyThreads * k}u) * ${strideOf(count)}u + n`;
  const numbers = readShared('a', geometry, kept ?? 'stage', rowPlace);
  const multiply = `
    for (var n = 0u; n < ${a.vectors % count === 0 ? `${count}u` : `min(${count}u, ${a.vectors}u - firstPart)`}; n++) {
${each(KEYS, (k) => `      let b${k} = stage[${keyPlace(k)}];`)}
${numbers.read}
${each(
  rowsEach,
  (r) => `      {
        let a = ${numbers.of(r)};
        ${name}${r} = vec4f(${[0, 1, 2, 3].map((k) => `chain(a, b${k}, ${name}${r}[${k}])`).join(', ')});
      }`,
)}
    }`;
  return `${begin}
  for (var firstPart = 0u; firstPart < ${a.vectors}u; firstPart += ${count}u) {
    workgroupBarrier();
    ${kept === null ? stage(a, { rows, from: 'firstPart', count, target: 'stage', slot: (index) => `${index} * ${strideOf(count)}u` }) : ''}
    ${stage(b, { rows: keys, from: 'firstPart', count, isWhole: b.vectors % count === 0, target: 'stage', slot: keySlot(geometry, count, keyOffset) })}
    workgroupBarrier();
${multiply}
  }`;
}

/**
 * The same where each invocation reads the keys itself, `vectorsEach` vectors of them: `NAMEr_v`. `keySpoilsV` becomes which of them
 * are not finite. The products of one row tell whether any may be: then keys are read once more, and the products of those that are
 * not finite become 0.
 */
export function directProducts(
  name: string,
  geometry: Geometry,
  a: Operand,
  b: DirectOperand,
  kept: string,
): string {
  const { rowsEach, vectorsEach } = geometry;
  const vectors = (code: (v: number) => string): string => each(vectorsEach, code);
  const keys = (v: number, code: (k: number, key: string) => string): string =>
    each(KEYS, (k) => code(k, `${v}_${k}`));
  const product = (r: number, v: number): string => `${name}${scoreOf(geometry, r, v)}`;
  const bitsOf = (key: string): string => b.at(`address${key}`, 'n');
  const lanes = [0, 1, 2, 3];
  return `
${vectors((v) => each(rowsEach, (r) => `  var ${product(r, v)} = vec4f(0.0);`))}
${vectors((v) => keys(v, (k, key) => `  let address${key} = ${b.address(`(${ownKeys(geometry, v)} + ${k}u)`)};`))}
${vectors((v) => `  var keySpoils${v} = vec4<bool>(false);`)}
  for (var n = 0u; n < ${a.vectors}u; n++) {
${each(rowsEach, (r) => `    let a${r} = ${kept}[${r * strideOf(a.vectors)}u + n];`)}
${vectors((v) =>
  keys(
    v,
    (k, key) => `    let b${key} = bitcast<vec4f>(${bitsOf(key)});
${each(rowsEach, (r) => `    ${product(r, v)}[${k}] = chain(a${r}, b${key}, ${product(r, v)}[${k}]);`)}`,
  ),
)}
  }
  if (${Array.from({ length: vectorsEach }, (_, v) => `isOdd(${product(0, v)})`).join(' || ')}) {
    for (var n = 0u; n < ${a.vectors}u; n++) {
${vectors((v) => `      keySpoils${v} |= vec4<bool>(${lanes.map((k) => `any(areNonFinite(${bitsOf(`${v}_${k}`)}))`).join(', ')});`)}
    }
${vectors((v) => each(rowsEach, (r) => `    ${product(r, v)} = select(${product(r, v)}, vec4f(0.0), keySpoils${v});`))}
  }`;
}

/** Division of the columns of a row's sums among its invocations. */
export interface Columns {
  /** Invocations side by side; the others of the row take other keys of the tile. */
  readonly threads: number;
  readonly keyGroups: number;
  /** Vectors of one invocation: every `threads`-th. */
  readonly each: number;
}

/** @param vectors of a row, or of the part of it that one pass sums. */
export function columnsOf(
  { keyThreads, vectorsEach }: Pick<Geometry, 'keyThreads' | 'vectorsEach'>,
  vectors: number,
): Columns {
  // Invocations that score several vectors of keys also take several of a row, where there are as many, for each weight.
  const threads = Math.min(keyThreads, 2 ** Math.ceil(Math.log2(Math.ceil(vectors / vectorsEach))));
  return { threads, keyGroups: keyThreads / threads, each: Math.ceil(vectors / threads) };
}

/** `NAMEr_c`, for row r and column vector c of an invocation. */
export function sums(
  name: string,
  rowsEach: number,
  columns: Columns,
  code: (sum: string, r: number, c: number) => string,
): string {
  return each(rowsEach, (r) => each(columns.each, (c) => code(`${name}${r}_${c}`, r, c)));
}

/**
 * Adds weights · values of a tile to the sums: `weights` in workgroup memory, rows of values from an operand whose
 * vectors begin at `firstVector`. All invocations must take part, and what is read of `weights` be written before a
 * barrier that this begins with.
 */
export function accumulate(
  name: string,
  geometry: Geometry,
  columns: Columns,
  values: Operand | DirectOperand,
  sources: {
    /** The array of workgroup memory that has the weights, from its beginning. */
    readonly weights: string;
    readonly vectors: number;
    readonly firstVector: string;
    /** Where values go in `stage`, if weights are there too; default 0. */
    readonly valuesAt?: number;
  },
): string {
  return geometry.staged
    ? accumulateStaged(name, geometry, columns, values, sources)
    : accumulateDirect(name, geometry, columns, values as DirectOperand, sources);
}

type Sources = Parameters<typeof accumulate>[4];

function accumulateStaged(
  name: string,
  geometry: Geometry,
  columns: Columns,
  values: Operand,
  { weights, vectors, firstVector, valuesAt = 0 }: Sources,
): string {
  const { keys, rowsEach, valueChunk } = geometry;
  const perChunk = Math.max(1, Math.floor(valueChunk / columns.threads));
  const chunks = Math.ceil(columns.each / perChunk);
  return each(chunks, (index) => {
    const own = Array.from({ length: Math.min(perChunk, columns.each - index * perChunk) }, (_, n) => n);
    const width = Math.min(perChunk * columns.threads, vectors - index * perChunk * columns.threads);
    const weightPlace = (row: string): string => `${row} * ${strideOf(keys / 4)}u + four`;
    const numbers = readShared('w', geometry, weights, weightPlace, columns.keyGroups === 1);
    return `
  ${index > 0 ? 'workgroupBarrier();' : ''}
  ${stage(values, { rows: keys, from: `(${firstVector} + ${index * perChunk * columns.threads}u)`, count: width, isWhole: vectors === values.vectors, target: 'stage', slot: (row) => `${valuesAt}u + ${row} * ${width}u` })}
  workgroupBarrier();
  for (var four = ${columns.keyGroups === 1 ? '0u' : 'keyGroup'}; four < ${keys / 4}u; four += ${columns.keyGroups}u) {
${numbers.read}
${own
  .map((c) => {
    const column = `column + ${c * columns.threads}u`;
    const place = (k: number): string =>
      `${valuesAt}u + (4u * four + ${k}u) * ${width}u + ${width % columns.threads === 0 ? column : `min(${column}, ${width - 1}u)`}`;
    return `    {
${each(4, (k) => `      let v${k} = stage[${place(k)}];`)}
${each(rowsEach, (r) => {
  const sum = `${name}${r}_${index * perChunk + c}`;
  const added = [0, 1, 2, 3].reduce((before, k) => `fma(vec4f(w[${k}]), v${k}, ${before})`, sum);
  return `      {
        let w = ${numbers.of(r)};
        ${sum} = ${added};
      }`;
})}
    }`;
  })
  .join('\n')}
  }`;
  });
}

/**
 * Four keys at a time. Sums that took numbers that are not finite, which those of one row tell, since 0 · NaN is NaN, are computed once
 * more, without them, and `flagsR` of the rows that attend to those keys gets `VALUE_FLAG`: the weight of a key that row R does not
 * attend to is `UNATTENDED`.
 */
function accumulateDirect(
  name: string,
  geometry: Geometry,
  columns: Columns,
  values: DirectOperand,
  { weights, vectors, firstVector }: Sources,
): string {
  const { keys, rowsEach } = geometry;
  const isWhole = columns.each * columns.threads === vectors;
  // Rows after the last may be other keys' or lie past the tensor, where a shader reads anything: their weights are zeros.
  const addressOf = (k: number): string =>
    `    let address${k} = ${k > 0 && values.step ? `address${k - 1} + ${values.step}` : values.address(`(4u * four + ${k}u)`)};`;
  const loop = (body: (c: number) => string): string => `
  for (var four = keyGroup; four < ${keys / 4}u && i32(4u * four) < end - tile; four += ${columns.keyGroups}u) {
${each(rowsEach, (r) => `    let w${r} = bitcast<vec4f>(${weights}[${(r * keys) / 4}u + four]);`)}
${each(4, addressOf)}
${each(
  columns.each,
  (c) => `    ${isWhole ? '' : `if (column + ${c * columns.threads}u < ${vectors}u) `}{
      let c = ${firstVector} + column + ${c * columns.threads}u;
${body(c)}
    }`,
)}
  }`;
  // Read once and written once for the four keys.
  const add = (c: number, k: number): string =>
    each(rowsEach, (r) => {
      const sum = `${name}${r}_${c}`;
      const added = `fma(vec4f(w${r}[${k}]), v${k}, ${k === 0 ? sum : `${sum}_${k - 1}`})`;
      return k === 3 ? `      ${sum} = ${added};` : `      let ${sum}_${k} = ${added};`;
    });
  return `
  workgroupBarrier();
${sums(name, rowsEach, columns, (sum) => `  let before_${sum} = ${sum};`)}
${loop((c) =>
  each(
    4,
    (k) => `      let v${k} = bitcast<vec4f>(${values.at(`address${k}`, 'c')});
${add(c, k)}`,
  ),
)}
  if (${Array.from({ length: columns.each }, (_, c) => `isOdd(${name}0_${c})`).join(' || ')}) {
${sums(name, rowsEach, columns, (sum) => `    ${sum} = before_${sum};`)}
${loop(
  (c) =>
    `${each(
      4,
      (k) => `      let bits${k} = ${values.at(`address${k}`, 'c')};
      if (any(areNonFinite(bits${k}))) {
${each(rowsEach, (r) => `        if (${weights}[${(r * keys) / 4}u + four][${k}] != UNATTENDED) { flags${r} |= VALUE_FLAG; }`)}
      }
      let v${k} = finite(bits${k});
${add(c, k)}`,
    )}`,
)}
  }`;
}

/**
 * Adds, in order, the sums of invocations that took other keys of the tile, if any, to those of key group 0. All weights must have
 * been used before a barrier: sums go through their memory.
 */
export function foldSums(name: string, geometry: Geometry, columns: Columns, weights = 'weights'): string {
  const { rowsEach, keys, staged } = geometry;
  if (columns.keyGroups === 1) return '';
  const addOthers = (sum: string, other: string): string => `
    for (var other = 1u; other < ${columns.keyGroups}u; other++) { ${sum} += ${other}; }`;
  if (!staged) {
    const at = (r: number, c: number): string => `${weights}[${(r * keys) / 4 + c * THREADS}u`;
    return `
${sums(name, rowsEach, columns, (sum, r, c) => `  ${at(r, c)} + threadKey] = bitcast<vec4u>(${sum});`)}
  workgroupBarrier();
  if (keyGroup == 0u) {
${sums(name, rowsEach, columns, (sum, r, c) => addOthers(sum, `bitcast<vec4f>(${at(r, c)} + column + other * ${columns.threads}u])`))}
  }`;
  }
  const at = (r: number): string => `${weights}[${ownRow(geometry, r)} * ${strideOf(keys / 4)}u`;
  return each(
    columns.each,
    (c) => `
  workgroupBarrier();
${each(rowsEach, (r) => `  ${at(r)} + threadKey] = ${name}${r}_${c};`)}
  workgroupBarrier();
${each(rowsEach, (r) => addOthers(`${name}${r}_${c}`, `${at(r)} + column + other * ${columns.threads}u]`))}`,
  );
}

/** Vectors of a head size, as many as a pass takes. */
export function passesOf(
  depth: number,
  maximum: number,
): { readonly passes: number; readonly vectors: number } {
  const all = vectorsOf(depth);
  return { passes: Math.ceil(all / maximum), vectors: Math.min(all, maximum) };
}
