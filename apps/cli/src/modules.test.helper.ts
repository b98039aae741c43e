import path from 'node:path';
import { folderOf } from './heed.test.helper.ts';

const REFERENCE = import.meta.resolve('@heed/core/reference');

export type ModuleName =
  | 'throwsAtImport'
  | 'syntaxError'
  | 'exitsAtImport'
  | 'exportsNothing'
  | 'exportsFunction'
  | 'halfProvider'
  | 'otherContract'
  | 'hangsInProbe'
  | 'spinsInProbe'
  | 'throwsInProbe'
  | 'crashesInProbe'
  | 'throwsInCreate'
  | 'saysNothing'
  | 'unavailable'
  | 'talksOnStdout'
  | 'paints'
  | 'forgetsScale'
  | 'hangsInRun'
  | 'exitsInRun';

/** Modules that a careless or hostile author could have written, by what is wrong with them. */
export const MODULES: Readonly<Record<ModuleName, string>> = {
  throwsAtImport: `throw new Error('no such engine');`,
  syntaxError: `export default {`,
  exitsAtImport: `process.exit(0);`,
  exportsNothing: `export const provider = {};`,
  exportsFunction: `export default () => {};`,
  halfProvider: `export default { contract: 1, name: 'half', probe: async () => ({ available: true }) };`,
  otherContract: `export default { contract: 99, name: 'future', probe() {}, create() {} };`,
  hangsInProbe: provider(`probe: () => new Promise(() => {})`),
  spinsInProbe: provider(`probe() { for (;;); }`),
  throwsInProbe: provider(`async probe() { throw new TypeError('no probe today'); }`),
  crashesInProbe: provider(
    `async probe() { setTimeout(() => { throw new Error('later'); }); await new Promise(() => {}); }`,
  ),
  throwsInCreate: provider(`async create() { throw new Error('no device'); }`),
  saysNothing: provider(`async create() { return { dispose() {} }; }`),
  unavailable: provider(`probe: async () => ({ available: false, reason: 'no GPU', remedy: 'buy one' })`),
  talksOnStdout: `console.log('hello'); process.stdout.write('world');\n${provider('')}`,
  paints: provider(
    `name: '\\u001B[31mred\\u0007', create: async () => ({ ...(await base.create()), device: 'a\\u001B[2Jb' })`,
  ),
  forgetsScale: wrong(`{ ...problem, scale: 1 }`, 'inputs'),
  hangsInRun: running(`run: () => new Promise(() => {})`),
  exitsInRun: running(`run: () => process.exit(7)`),
};

/** A copy of the reference with some of its members replaced. */
function provider(members: string): string {
  return `import base from '${REFERENCE}';\nexport default { ...base, name: 'test', ${members} };\n`;
}

function running(member: string): string {
  return provider(`
    async create() {
      const backend = await base.create();
      return { ...backend, compile: async (problem) => ({ ...(await backend.compile(problem)), ${member} }) };
    }`);
}

/** The reference, computing another problem than it was given. */
function wrong(problem: string, inputs: string): string {
  return provider(`
    async create() {
      const backend = await base.create();
      const compile = async (problem) => {
        await backend.compile(problem);
        const kernel = await backend.compile(${problem});
        return { ...kernel, problem, run: (inputs, options) => kernel.run(${inputs}, options) };
      };
      return { ...backend, compile };
    }`);
}

/** The path of one of {@link MODULES}, written to a file. */
export function moduleFile(name: ModuleName): string {
  return path.join(folderOf({ [`${name}.mjs`]: MODULES[name] }), `${name}.mjs`);
}
