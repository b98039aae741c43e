import { HeedError, type Tensor } from '@heed/core';
import { shown } from '@heed/core/backend';
import { noTensor } from './header.ts';
import { type SafetensorsFile, openSafetensors, tensorsUnder } from './open.ts';

/** The parsed `model.safetensors.index.json` of a model that is kept in several files. */
export interface SafetensorsIndex {
  /** The file that each tensor is in. */
  readonly weight_map: Readonly<Record<string, string>>;
}

/**
 * Opens a model of several files by its index, as one: reads only the header of each file, and later what is
 * requested. Ignores tensors that are not in the index.
 *
 * @param index the parsed `model.safetensors.index.json`.
 * @param open gives each file, by the name that the index has for it. It is called once for each.
 * @throws HeedError `ARGUMENT` for what is not an index; `MISSING_INPUT` for a tensor that is not in its file; and as
 * {@link openSafetensors} does.
 *
 * @example
 * ```ts
 * import { openSafetensorsShards, writeSafetensors } from '@heed/layers';
 *
 * const one = { dtype: 'float32', shape: [1], data: Float32Array.of(1) } as const;
 * const blob = (name: string) => new Blob([writeSafetensors({ [name]: one }) as BlobPart]);
 * const index = { weight_map: { a: 'a.safetensors', b: 'b.safetensors' } };
 * const model = await openSafetensorsShards(index, (file) => blob(file[0]!));
 * console.log(Object.keys(await model.stateDict()).join(' ')); // a b
 * ```
 */
export async function openSafetensorsShards(
  index: SafetensorsIndex,
  open: (file: string) => Blob | Promise<Blob>,
): Promise<SafetensorsFile> {
  if (typeof open !== 'function') {
    throw new HeedError(
      'ARGUMENT',
      `open is ${shown(open)}; expected a function from a file's name to its Blob`,
      {
        remedy: 'give (file) => fs.openAsBlob(file), say',
      },
    );
  }
  const places = new Map(Object.entries(checkedMap(index)));
  const shards = new Map<string, SafetensorsFile>();
  for (const file of new Set(places.values())) shards.set(file, await openSafetensors(await open(file)));
  const shardOf = (name: string): SafetensorsFile => {
    const file = places.get(name);
    if (file === undefined) throw noTensor('index', name);
    return shards.get(file)!;
  };
  const known = new Map([...shards].map(([file, { names }]) => [file, new Set(names)]));
  for (const [name, file] of places) {
    if (known.get(file)!.has(name)) continue;
    throw new HeedError(
      'MISSING_INPUT',
      `${shown(file)} has no tensor ${shown(name)}, which the index says is there`,
      {
        remedy: 'download index and files from the same revision',
      },
    );
  }
  const names = [...places.keys()];
  const tensor: SafetensorsFile['tensor'] = async (name, rows) => shardOf(name).tensor(name, rows);
  return {
    metadata: Object.assign({}, ...[...shards.values()].map(({ metadata }) => metadata)) as Record<
      string,
      string
    >,
    names,
    describe: (name) => shardOf(name).describe(name),
    tensor,
    stored: async (name) => shardOf(name).stored(name),
    stateDict: (prefix = ''): Promise<Record<string, Tensor>> => tensorsUnder(prefix, names, tensor),
  };
}

function checkedMap(index: SafetensorsIndex): Readonly<Record<string, string>> {
  const map: unknown = (index as Partial<SafetensorsIndex> | null | undefined)?.weight_map;
  const isMap = typeof map === 'object' && map !== null && !Array.isArray(map);
  if (isMap && Object.values(map).every((file) => typeof file === 'string')) {
    return map as Readonly<Record<string, string>>;
  }
  throw new HeedError(
    'ARGUMENT',
    `the weight_map of the index is ${shown(map)}; expected file names by tensor`,
    {
      remedy: 'give the parsed model.safetensors.index.json',
    },
  );
}
