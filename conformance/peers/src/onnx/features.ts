import type { Capabilities, Feature } from '@heed/core';

const OPSET_23: readonly Feature[] = [
  'valueDim',
  'gqa',
  'mask.boolean',
  'mask.float',
  'causal',
  'softcap',
  'weights',
];

/** Capabilities of the operator `Attention` according to the ONNX standard, by opset. */
export function attentionOfOpset(opset: 23 | 24 | 25): Capabilities {
  return {
    dtypes: ['float16', 'bfloat16', 'float32', 'float64'],
    features: [
      ...OPSET_23,
      ...(opset >= 24 ? (['alignment.bottomRight', 'lengths.key'] as const) : []),
      ...(opset >= 25 ? (['window'] as const) : []),
    ],
    guarantees: [],
  };
}

/** Capabilities in the text before ONNX 1.21: positions align at the top left corner, whatever the lengths. */
export function beforeBottomRight(capabilities: Capabilities): Capabilities {
  const features = capabilities.features.filter((feature) => feature !== 'alignment.bottomRight');
  return { ...capabilities, features };
}

/** Capabilities without a type that ONNX Runtime's table of kernels does not list, and no other operator brings. */
export function withoutBfloat16(capabilities: Capabilities): Capabilities {
  return { ...capabilities, dtypes: capabilities.dtypes.filter((dtype) => dtype !== 'bfloat16') };
}
