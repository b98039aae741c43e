import path from 'node:path';
import { folderOf } from './heed.ts';

const CORE = import.meta.resolve('@heed/core');
const REFERENCE = import.meta.resolve('@heed/core/reference');

export type ModuleName =
  | 'throwsAtImport'
  | 'syntaxError'
  | 'exitsAtImport'
  | 'exportsNothing'
  | 'exportsFunction'
  | 'exportsNull'
  | 'halfProvider'
  | 'otherContract'
  | 'hangsInProbe'
  | 'spinsInProbe'
  | 'throwsInProbe'
  | 'crashesInProbe'
  | 'throwsInCreate'
  | 'hangsInCreate'
  | 'saysNothing'
  | 'unavailable'
  | 'talksOnStdout'
  | 'paints'
  | 'forgetsScale'
  | 'measuresRuns'
  | 'hangsInRun'
  | 'exitsInRun'
  | 'climbs'
  | 'probesNothing'
  | 'createsNothing'
  | 'hangsInDispose'
  | 'throwsNull'
  | 'throwsNoTextInCreate'
  | 'forgesReport'
  | 'hoardsInProbe'
  | 'hoardsInRun'
  | 'hoardsObjects'
  | 'givesWrongShape'
  | 'givesNaN'
  | 'givesTooFewBytes'
  | 'writesToInputs'
  | 'answersAfterDispose'
  | 'declaresTooMuch'
  | 'declaresTooLittle'
  | 'declaresLittle';

/** Modules that a careless or hostile author could have written, by their faults. */
export const MODULES: Readonly<Record<ModuleName, string>> = {
  throwsAtImport: `throw new Error('no such engine');`,
  syntaxError: `export default {`,
  exitsAtImport: `process.exit(0);`,
  exportsNothing: `export const provider = {};`,
  exportsFunction: `export default () => {};`,
  exportsNull: `export default null;`,
  halfProvider: `export default { contract: 1, name: 'half', probe: async () => ({ available: true }) };`,
  otherContract: `export default { contract: 99, name: 'future', probe() {}, create() {} };`,
  hangsInProbe: provider(`probe: () => new Promise(() => {})`),
  spinsInProbe: provider(`probe() { for (;;); }`),
  throwsInProbe: provider(`async probe() { throw new TypeError('no probe today'); }`),
  crashesInProbe: provider(
    `async probe() { setTimeout(() => { throw new Error('later'); }); await new Promise(() => {}); }`,
  ),
  throwsInCreate: provider(`async create() { throw new Error('no device'); }`),
  hangsInCreate: provider(`create: () => new Promise(() => {})`),
  saysNothing: provider(`async create() { return { dispose() {} }; }`),
  unavailable: provider(`probe: async () => ({ available: false, reason: 'no GPU', remedy: 'buy one' })`),
  talksOnStdout: `console.log('hello'); process.stdout.write('world');\n${provider('')}`,
  paints: provider(
    `name: '\\u001B[31mred\\u0007', create: async () => ({ ...(await base.create()), device: 'a\\u001B[2Jb' })`,
  ),
  forgetsScale: wrong(`{ ...problem, scale: 1 }`, 'inputs'),
  measuresRuns: running(`plan: { ...kernel.plan, lastRun: { bytesSent: 1234.5, total: 0.25 } }`),
  hangsInRun: running(`run: () => new Promise(() => {})`),
  exitsInRun: running(`run: () => process.exit(7)`),
  climbs: provider(`create: async () => ({ ...(await base.create()), name: '../../<script>|x' })`),
  probesNothing: provider(`probe: async () => undefined`),
  createsNothing: provider(`create: async () => null`),
  hangsInDispose: provider(
    `create: async () => ({ ...(await base.create()), dispose: () => new Promise(() => {}) })`,
  ),
  throwsNoTextInCreate: provider(`async create() { throw Object.create(null); }`),
  throwsNull: running(`run() { throw null; }`),
  forgesReport: running(
    `run() { process.send({ value: { name: 'test', device: '', passed: 9999, failed: 0, clauses: [] } }); return {}; }`,
  ),
  hoardsInProbe: provider(`async probe() { ${hoard(`new Float64Array(1e6).fill(1)`)} }`),
  hoardsInRun: running(`run() { ${hoard(`new Float64Array(1e6).fill(1)`)} }`),
  hoardsObjects: running(`run() { ${hoard(`Array.from({ length: 1e5 }, (_, n) => ({ n }))`)} }`),
  givesWrongShape: answering(`({ ...results, output: { ...output, shape: [1, ...output.shape] } })`),
  givesNaN: answering(`({ ...results, output: { ...output, data: output.data.map(() => NaN) } })`),
  givesTooFewBytes: answering(`({ ...results, output: { ...output, data: output.data.subarray(1) } })`),
  writesToInputs: running(
    `async run(inputs, options) { const results = await kernel.run(inputs, options); inputs.query.data?.fill(0); return results; }`,
  ),
  answersAfterDispose: provider(`
    async create() {
      const backend = await base.create();
      return { ...backend, async compile(problem) {
        const kernel = await backend.compile(problem);
        return { ...kernel, dispose: async () => {}, [Symbol.asyncDispose]: async () => {} };
      } };
    }`),
  declaresTooMuch: declaring(`'gqa'`, `[]`),
  declaresTooLittle: declaring(`'nothing'`, `['gqa']`),
  declaresLittle: provider(`
    async create() {
      const backend = await base.create();
      const features = backend.capabilities.features.filter((feature) => feature !== 'gqa');
      const capabilities = { dtypes: ['float32'], features, guarantees: [] };
      const missingOf = ({ heads, kvHeads, dtype }) =>
        dtype === 'float64' ? 'dtype' : heads === kvHeads ? null : 'gqa';
      const supports = (problem) => {
        const clause = missingOf(problem);
        return clause === null ? backend.supports(problem) : { supported: false, clause, reason: 'not declared' };
      };
      const compile = async (problem) => {
        const clause = missingOf(problem);
        if (clause === null) return backend.compile(problem);
        throw new HeedError('UNSUPPORTED', 'not declared', { clause });
      };
      return { ...backend, capabilities, supports, compile };
    }`),
};

/** A copy of the reference with some of its members replaced. */
function provider(members: string): string {
  return `import base from '${REFERENCE}';\nimport { HeedError } from '${CORE}';\nexport default { ...base, name: 'test', ${members} };\n`;
}

function running(member: string): string {
  return provider(`
    async create() {
      const backend = await base.create();
      const compile = async (problem) => {
        const kernel = await backend.compile(problem);
        return { ...kernel, ${member} };
      };
      return { ...backend, compile };
    }`);
}

/** The reference with changed results. */
function answering(change: string): string {
  return running(`
    async run(inputs, options) {
      const results = await kernel.run(inputs, options);
      const { output } = results;
      return ${change};
    }`);
}

function hoard(thing: string): string {
  return `const things = []; for (;;) things.push(${thing});`;
}

/** The reference, which does not declare `hidden`, and refuses `refused` although it declares it. */
function declaring(refused: string, hidden: string): string {
  return provider(`
    async create() {
      const backend = await base.create();
      const hidden = ${hidden};
      const capabilities = {
        ...backend.capabilities,
        features: backend.capabilities.features.filter((feature) => !hidden.includes(feature)),
      };
      const supports = (problem) =>
        ${refused} === 'gqa' && problem.heads !== problem.kvHeads
          ? { supported: false, clause: 'gqa', reason: 'not today' }
          : backend.supports(problem);
      return { ...backend, capabilities, supports };
    }`);
}

/** The reference, which computes a different problem than the given one. */
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
