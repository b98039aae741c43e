// This backend as in engines without relaxed SIMD, to be measured beside others:
// heed bench packages/backend-wasm/scripts/without-relaxed-simd.mjs onnxruntime-web --threads 1
import { provider } from '../dist/provider.js';

export default { ...provider, create: (options) => provider.create({ ...options, relaxedSimd: false }) };
