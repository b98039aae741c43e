import { HeedError } from './error.ts';
import { type ResidentTensor, isResident } from './tensor.ts';

/** Inputs as they were at one moment. */
export interface HeldInputs<T> {
  readonly inputs: T;
  release(): void;
}

/**
 * Holds the resident tensors of a structure, including `statistics`: a kernel may have to be compiled first.
 *
 * @throws HeedError `DISPOSED`; `ARGUMENT` for a resident tensor that cannot be held.
 */
export function holdInputs<T extends object>(inputs: T): HeldInputs<T> {
  const held: ResidentTensor[] = [];
  const release = (): void => held.forEach((tensor) => tensor.dispose());
  const holdAll = (structure: object): object => {
    const entries = Object.entries(structure).map(([name, value]) => {
      if (isResident(value)) {
        const tensor = heldOf(name, value);
        held.push(tensor);
        return [name, tensor];
      }
      const isStructure = typeof value === 'object' && value !== null && !('shape' in value);
      return [name, isStructure ? holdAll(value as object) : value];
    });
    return Object.fromEntries(entries) as object;
  };
  try {
    return { inputs: holdAll(inputs) as T, release };
  } catch (error) {
    release();
    throw error;
  }
}

function heldOf(name: string, tensor: ResidentTensor): ResidentTensor {
  if (typeof tensor.hold === 'function') return tensor.hold();
  throw new HeedError(
    'ARGUMENT',
    `${name} is a resident tensor without hold(); expected one that a backend made`,
    {
      clause: 'resident',
      remedy: 'give the tensor itself, not a copy of it, or what read() returns',
    },
  );
}
