import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { llamaCppFolder } from '../llama-cpp/place.ts';
import { environmentFolder, interpreterOf } from '../python/environment.ts';
import { defectFile } from './run-defect.ts';

const SCRIPT = fileURLToPath(new URL('../../python/documentation.py', import.meta.url));

/** Library whose documentation a defect contradicts, by the beginning of the defect's name. */
const LIBRARIES: readonly (readonly [prefix: string, library: string])[] = [
  ['torch-', 'torch'],
  ['jax-', 'jax'],
  ['keras-', 'keras'],
  ['llama-cpp-', 'llama-cpp'],
  ['onnxruntime-multihead-', 'onnxruntime'],
  ['onnxruntime-node-', 'onnxruntime-node'],
  ['onnx', 'onnx'],
];

export const libraryOf = (defect: string): string =>
  LIBRARIES.find(([prefix]) => defect.startsWith(prefix))![1];

/** The documentation that comes with the libraries installed here: all versions of each, by its name. */
export function installedDocumentation(): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  // Some lines are those of the current versions alone.
  const environments = existsSync(environmentFolder('current')) ? (['current', 'previous'] as const) : [];
  for (const environment of environments) {
    if (!existsSync(environmentFolder(environment))) continue;
    const { stdout } = spawnSync(interpreterOf(environment), ['-W', 'ignore', SCRIPT], { encoding: 'utf8' });
    for (const [library, text] of Object.entries(JSON.parse(stdout) as Record<string, string>)) {
      texts[library] = `${texts[library] ?? ''}\n${text}`;
    }
  }
  const header = path.join(llamaCppFolder(), 'include', 'ggml.h');
  if (existsSync(header)) texts['llama-cpp'] = readFileSync(header, 'utf8').replaceAll(/^ *\/\//gm, '');
  // Types and the class of tensors are in a package of their own.
  const runtime = createRequire(createRequire(import.meta.url).resolve('onnxruntime-node'));
  const common = path.resolve(path.dirname(runtime.resolve('onnxruntime-common')), '../..');
  const files = ['dist/cjs/tensor.d.ts', 'lib/tensor-impl.ts'].map((file) => path.join(common, file));
  texts['onnxruntime-node'] = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  return texts;
}

/** Lines of documentation that a defect's README quotes, in the parts that stand between dots of omission. */
export function quotesOf(defect: string): readonly string[] {
  const [, line] = /^- \*\*(?:Documentation|Standard)\*\*: ((?:.|\n {2})+)/m.exec(
    readFileSync(defectFile(defect, 'README.md'), 'utf8'),
  )!;
  return [...line!.matchAll(/"([^"]+)"/g)].flatMap(([, quote]) => quote!.split('…')).map(plain);
}

/** Text without line breaks and marks of formatting, which a quotation need not keep. */
export const plain = (text: string): string =>
  text
    .replaceAll(/:math:|[`\\$]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
