import { minilmCases } from './minilm.ts';
import { joined, parseCases } from './parse-cases.ts';
import type { ParsedCases } from './parsed-cases.ts';
import { readText } from './read-text.ts';

// Literal addresses: bundlers look for this form, and take the files along.
const FILES = {
  onnx: (): URL => new URL('../../cases/onnx/attention.json.gz', import.meta.url),
  torch: (): URL => new URL('../../cases/torch/scaled-dot-product-attention.json', import.meta.url),
};

/**
 * The cases from outside that come with the suite: the tests of the ONNX operator `Attention`, a trained sentence
 * model, and `scaled_dot_product_attention` of torch. Works in Node and in browsers.
 */
export async function bundledCases(): Promise<ParsedCases> {
  const files = Object.entries(FILES).map(async ([name, url]) =>
    parseCases(await readText(url(), name), name),
  );
  return joined([...(await Promise.all(files)), { cases: await minilmCases(), notCovered: [] }]);
}
