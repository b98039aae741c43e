import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the reason that the native library in a folder does not load; null if it does. Another process tries it. */
export function loadFault(folder) {
  const binding = join(folder, 'lib', 'napi-v8', 'tfjs_binding.node');
  if (!existsSync(binding)) return `there is no ${binding}`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', 'require(process.argv[1])', binding], {
    encoding: 'utf8',
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  return status === 0 ? null : (stderr.split('\n').find((line) => line.includes('Error')) ?? stderr).trim();
}
