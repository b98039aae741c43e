import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeHeaders } from './engine.mjs';
import { Obstacle } from './obstacle.mjs';
import { mustRun, run } from './run.mjs';

/** The smallest of the wheels that were tried with tfjs-node 4.22: 207 MB. Newer ones are no faster. */
const WHEEL = {
  requirement:
    'tensorflow-cpu==2.15.1 --hash=sha256:54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
  python: '3.11',
  platform: 'manylinux_2_17_x86_64',
};

/** Takes libtensorflow and its headers out of the wheel: the members that `deps/lib` and the compiler need. */
const UNPACK = `
import os, shutil, sys, zipfile
wheel, libraries, headers = sys.argv[1:]
prefix = 'tensorflow/include/'
wanted = tuple(prefix + name for name in ('tensorflow/c/', 'tensorflow/core/platform/', 'tsl/', 'xla/tsl/'))
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        base = os.path.basename(name)
        if name.startswith('tensorflow/libtensorflow_') and '.so' in base:
            target = os.path.join(libraries, base)
        elif name.startswith(wanted) and base:
            target = os.path.join(headers, name[len(prefix):])
        else:
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with archive.open(name) as source, open(target, 'wb') as copy:
            shutil.copyfileobj(source, copy)
`;

/** Takes libtensorflow from the wheel, and compiles the binding against it. */
export async function buildFromWheel({ folder }, made, say) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Obstacle(`the wheel is for linux x64, this is ${process.platform} ${process.arch}`);
  }
  const headers = nodeHeaders();
  checkTools();
  const [download, include, libraries] = ['wheel', 'include', 'deps/lib'].map((name) => join(made, name));
  for (const place of [download, include, libraries, join(made, 'lib', 'napi-v8')]) {
    mkdirSync(place, { recursive: true });
  }
  say('downloading the wheel of tensorflow-cpu 2.15.1, 207 MB');
  const wheel = downloadWheel(download);
  mustRun('unpacking the wheel', 'python3', ['-c', UNPACK, wheel, libraries, include]);
  rmSync(download, { recursive: true });
  say('compiling the binding');
  compile(folder, { headers, include, libraries, output: join(made, 'lib', 'napi-v8', 'tfjs_binding.node') });
  rmSync(include, { recursive: true });
}

function checkTools() {
  const tools = [
    ['python3', ['--version'], 'python3'],
    ['python3', ['-m', 'pip', '--version'], 'pip (Debian: apt-get install python3-pip)'],
    ['g++', ['--version'], 'g++ (Debian: apt-get install g++)'],
  ];
  const missing = tools.find(([program, args]) => run(program, args).status !== 0);
  if (missing !== undefined)
    throw new Obstacle(`building from the wheel needs ${missing[2]}, which is not installed`);
}

function downloadWheel(download) {
  const requirements = join(download, 'requirements.txt');
  writeFileSync(requirements, `${WHEEL.requirement}\n`);
  mustRun('downloading the wheel', 'python3', [
    ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
    ...['--only-binary=:all:', '--implementation=cp', `--python-version=${WHEEL.python}`],
    ...[`--platform=${WHEEL.platform}`, '--require-hashes', '-r', requirements, '-d', download],
  ]);
  return join(
    download,
    readdirSync(download).find((name) => name.endsWith('.whl')),
  );
}

function compile(folder, { headers, include, libraries, output }) {
  mustRun(
    'compiling the binding',
    'g++',
    [
      ...['-std=c++17', '-O2', '-shared', '-fPIC', '-w', '-DNAPI_VERSION=8'],
      ...[`-I${headers}`, `-I${include}`, '-I.', 'binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'],
      ...[`-L${libraries}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'],
      ...['-Wl,-rpath,$ORIGIN/../../deps/lib', '-o', output],
    ],
    { cwd: folder },
  );
}
