// Builds llama-cpp/attention.c with ggml, from the sources that the Python package of llama.cpp ships, for any x86-64
// with AVX2. Keeps what was built from the same sources. Needs pip, tar, cmake, ninja and a compiler of C and C++.
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compileC, llamaCppFolder } from '../dist/llama-cpp/place.js';
import { run } from './run.mjs';

/** Options that the results do not depend on: no other engine, no program of llama.cpp, no thread library. */
const OPTIONS = [
  'CMAKE_BUILD_TYPE=Release',
  'BUILD_SHARED_LIBS=OFF',
  'GGML_CCACHE=OFF',
  'GGML_LLAMAFILE=OFF',
  'GGML_NATIVE=OFF',
  'GGML_OPENMP=OFF',
  ...['COMMON', 'EXAMPLES', 'SERVER', 'TESTS', 'TOOLS'].map((part) => `LLAMA_BUILD_${part}=OFF`),
];

export function provisionLlamaCpp() {
  const source = new URL('../llama-cpp/attention.c', import.meta.url).pathname;
  const requirements = new URL('../llama-cpp/requirements.txt', import.meta.url).pathname;
  const wanted = readFileSync(requirements, 'utf8');
  const folder = llamaCppFolder();
  const record = path.join(folder, 'requirements.txt');
  if (!existsSync(record) || readFileSync(record, 'utf8') !== wanted) {
    console.log(`peers: building ggml of ${wanted.split(' ')[0]}`);
    rmSync(folder, { recursive: true, force: true });
    build(requirements, folder);
    writeFileSync(record, wanted);
  }
  compileC(source, path.join(folder, 'attention'));
  console.log('peers: llama-cpp is there');
}

function build(requirements, folder) {
  const temporary = mkdtempSync(path.join(tmpdir(), 'heed-llama-cpp-'));
  try {
    const download = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'];
    run('python3', [...download, '--no-binary', ':all:', '--dest', temporary, '-r', requirements]);
    const archive = readdirSync(temporary).find((file) => file.endsWith('.tar.gz'));
    run('tar', ['--strip-components=1', '-xzf', path.join(temporary, archive), '-C', temporary]);
    const [llama, built] = [path.join(temporary, 'vendor', 'llama.cpp'), path.join(temporary, 'built')];
    run('cmake', ['-S', llama, '-B', built, '-G', 'Ninja', ...OPTIONS.map((option) => `-D${option}`)]);
    run('ninja', ['-C', built, 'ggml']);
    cpSync(path.join(llama, 'ggml', 'include'), path.join(folder, 'include'), { recursive: true });
    cpSync(path.join(llama, 'LICENSE'), path.join(folder, 'LICENSE'));
    for (const library of ['ggml', 'ggml-cpu', 'ggml-base']) {
      const file = `lib${library}.a`;
      cpSync(path.join(built, 'ggml', 'src', file), path.join(folder, file));
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
