import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  after,
  count,
  i32,
  int,
  memoryFill,
  v128,
  when,
} from '@heed/core/wasm';
import { type Context, ITEM_PARAMETERS, minimum, place } from './context.ts';
import { PAGELESS } from '../forward/pages.ts';
import { type RowMaker, rowMaker } from './cache-rows.ts';
import { isMade } from '../plan/reading.ts';
import { openRing } from './ring.ts';
import { type Storage, elementStorage } from './storage.ts';

interface RowPacking {
  readonly depth: number;
  /** Bytes from one element to the next where they go. */
  readonly step: number;
  /** True if elements are multiplied by the scale. */
  readonly scaled: boolean;
  /** Default: that of the query. */
  readonly storage?: Storage;
}

/** (from, to) → i32 */
export type RowPacker = Callable<['i32', 'i32'], 'i32'>;

/**
 * A function (from, to) → i32 that copies a row, with 0 for non-finite elements, and returns whether there were any.
 * Padding must not reach results: 0 · NaN would. Non-finite elements that are attended to are written into the scores
 * instead.
 */
export function rowPacker({ module, element, storage, frame }: Context, packing: RowPacking): RowPacker {
  const { vector, scalar, bytes, lanes } = element;
  const { depth, step, scaled } = packing;
  const source = packing.storage ?? storage;
  return module.function({ parameters: ['i32', 'i32'], result: 'i32' }, (body, from, to) => {
    const end = body.local('i32');
    const whole = depth - (depth % lanes);
    const [numbers, finite, allFinite, zero, scale] = body.locals('v128', 5);
    const number = body.local(element.type);
    const nonFinite = body.local('i32');

    const storeLanes = (): Block =>
      step === bytes
        ? v128.store(to, numbers)
        : Array.from({ length: lanes }, (_, lane) => vector.storeLane(to, numbers, lane, lane * step));
    const vectors: Block = [
      allFinite.set(vector.eq(zero, zero)),
      end.set(i32.add(from, int(whole * source.bytes))),
      count(from, from, end, lanes * source.bytes, [
        numbers.set(source.load(body, from)),
        finite.set(vector.eq(vector.sub(numbers, numbers), zero)),
        allFinite.set(v128.and(allFinite, finite)),
        numbers.set(v128.and(numbers, finite)),
        scaled ? numbers.set(vector.mul(numbers, scale)) : [],
        storeLanes(),
        to.set(i32.add(to, int(lanes * step))),
      ]),
      nonFinite.set(v128.anyTrue(v128.not(allFinite))),
    ];
    const rest = Array.from({ length: depth - whole }, (_, n): Block => [
      number.set(vector.extract(source.loadSplat(body, from, n * source.bytes), 0)),
      when(scalar.ne(scalar.sub(number, number), scalar.const(0)), [
        nonFinite.set(int(1)),
        number.set(scalar.const(0)),
      ]),
      scaled ? number.set(scalar.mul(number, vector.extract(scale, 0))) : [],
      scalar.store(to, number, n * step),
    ]);
    return after(
      [
        scaled ? scale.set(vector.splat(element.fromF64(frame.float('scale')))) : [],
        whole > 0 ? vectors : [],
        rest,
      ],
      nonFinite,
    );
  });
}

/** One of the places that `pack` copies keys or values to. */
interface Target {
  readonly source: 'key' | 'value';
  readonly area: 'packedKey' | 'packedValue' | 'keyRows';
  /** Panels are [keys / columns, depth, columns]; rows are padded to whole register tiles. */
  readonly form: 'panels' | 'rows';
}

function targetsOf({ variant, needs }: Context): Target[] {
  const keyPanels: Target = { source: 'key', area: 'packedKey', form: 'panels' };
  if (variant.pass === 'gradient') {
    return [
      keyPanels,
      { source: 'key', area: 'keyRows', form: 'rows' },
      { source: 'value', area: 'packedValue', form: 'panels' },
    ];
  }
  return needs.sumsValues ? [keyPanels, { source: 'value', area: 'packedValue', form: 'rows' }] : [keyPanels];
}

/**
 * Phase `pack` (item: tile of keys of a key/value head): keys and values to where register tiles can read them, and for
 * each key a byte that says whether something in it is non-finite. Padding is 0.
 */
export function packPhase(context: Context): void {
  const { module, tiling, frame, item } = context;
  const targets = targetsOf(context);
  // Packers are functions of the module, and have to be there before the one that calls them.
  const packers = targets.map((target) => targetPacker(context, target));
  module.function(
    { parameters: ITEM_PARAMETERS, name: 'pack' },
    (body, index, frameAddress, threadScratch) => {
      const [head, first, end, key, nonFinite, to] = body.locals('i32', 6);
      const copies = packers.map((packer) => packer(body, { first, end, key }));
      return [
        item.frame.set(frameAddress),
        item.scratch.set(threadScratch),
        head.set(i32.divU(index, frame.integer('tiles'))),
        item.batch.set(i32.divU(head, frame.integer('kvHeads'))),
        item.kvHead.set(i32.remU(head, frame.integer('kvHeads'))),
        item.slot.set(i32.remU(head, frame.integer('slots'))),
        openRing(context),
        first.set(i32.mul(i32.remU(index, frame.integer('tiles')), int(tiling.tileKeys))),
        end.set(i32.add(first, int(tiling.tileKeys))),
        end.set(minimum(end, frame.integer('keyLength'))),
        to.set(place(frame.integer('nonFinite'), item.slot, frame.integer('nonFiniteSlot'))),
        memoryFill(i32.add(to, first), int(0), int(tiling.tileKeys)),
        copies.map(({ begin }) => begin),
        count(key, first, end, 1, [
          nonFinite.set(int(0)),
          copies.map(({ copy }) => nonFinite.set(i32.or(nonFinite, copy))),
          i32.store8(i32.add(to, key), nonFinite),
        ]),
      ];
    },
  );
}

type TilePacker = (
  body: Locals,
  tile: Readonly<Record<'first' | 'end' | 'key', Variable<'i32'>>>,
) => { readonly begin: Block; readonly copy: Code<'i32'> };

function targetPacker(context: Context, { source, area, form }: Target): TilePacker {
  const { variant, element, cache, tiling, frame, item, scratch } = context;
  const { columns } = tiling;
  const { bytes } = element;
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  const padded = source === 'key' ? tiling.keyColumns : tiling.valueColumns;
  const rowBytes = (form === 'rows' ? padded : depth) * bytes;
  const step = form === 'rows' ? bytes : columns * bytes;
  const pack = rowPacker(context, {
    depth,
    step,
    scaled: false,
    storage: isMade(context) ? elementStorage(element) : cache,
  });
  const make = isMade(context) ? rowMaker(context, source) : null;
  return (body, { first, end, key }) => {
    const [from, to, pageless] = body.locals('i32', 3);
    const made = i32.add(item.scratch, int(scratch.row));
    const makeRow = (makes: RowMaker): Code<'i32'> => i32.mul(i32.eqz(makes(key, made)), int(PAGELESS));
    const row = i32.add(from, i32.mul(key, frame.integer(`${source}Row`)));
    const panel = i32.and(key, int(-columns));
    const at =
      form === 'rows'
        ? place(to, key, rowBytes)
        : i32.add(place(to, panel, rowBytes), i32.mul(i32.and(key, int(columns - 1)), int(bytes)));
    const partial = i32.and(end, int(columns - 1));
    const clear =
      form === 'rows' && padded !== depth
        ? memoryFill(place(to, first, rowBytes), int(0), i32.mul(i32.sub(end, first), int(rowBytes)))
        : [];
    return {
      begin: [
        from.set(place(frame.integer(source), item.batch, frame.integer(`${source}Batch`))),
        from.set(place(from, item.kvHead, frame.integer(`${source}Head`))),
        to.set(place(frame.integer(area), item.slot, frame.integer(`${area}Slot`))),
        clear,
        when(
          partial,
          memoryFill(place(to, i32.and(end, int(-columns)), rowBytes), int(0), int(columns * rowBytes)),
        ),
      ],
      copy:
        make === null ? pack(row, at) : after(pageless.set(makeRow(make)), i32.or(pack(made, at), pageless)),
    };
  };
}
