/** A third party's backend, as the text of a module: uniform weights, and names that are markup. */
export const HOSTILE_NAME = '<img src=x onerror="globalThis.hacked=1">';

export const THIRD_PARTY = `
const name = ${JSON.stringify(HOSTILE_NAME)};
const zeros = (shape) => ({ dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
export default {
  contract: 1,
  name,
  probe: async () => ({ available: true }),
  create: async () => ({
    contract: 1,
    name,
    device: '<script>globalThis.hacked=1</script>',
    capabilities: { dtypes: ['float32'], features: ['weights'], guarantees: [] },
    supports: () => ({ supported: true }),
    compile: async (problem) => ({
      problem,
      plan: { algorithm: 'uniform', tile: { query: 1, key: 1 }, scratchBytes: 0 },
      async run() {
        const { heads, queryLength, keyLength, valueDim } = problem;
        const weights = zeros([1, heads, queryLength, keyLength]);
        weights.data.fill(1 / keyLength);
        return { weights, output: zeros([1, heads, queryLength, valueDim]) };
      },
      dispose: async () => undefined,
    }),
    dispose: async () => undefined,
  }),
};
`;
