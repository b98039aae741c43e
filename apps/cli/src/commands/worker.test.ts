import { describe, expect, test } from 'vitest';
import { folderOf, heed, heedJSON } from '../test/heed.ts';

describe('heed worker', () => {
  test('without a server says how to start one', () => {
    const words = ['worker', '--servers', 'nats://127.0.0.1:1', '--backend', 'ts'];
    const { code, value } = heedJSON<{ code: string; message: string }>(words);
    expect(code).toBe(2);
    expect(value.code).toBe('UNAVAILABLE');
    expect(value.message).toMatch(/cannot connect to nats:\/\/127\.0\.0\.1:1.*nats-server -js/);
  });

  test('goes to no other machine in the clear', () => {
    const { code, stderr } = heed(['worker', '--servers', 'nats://far.example', '--backend', 'ts']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/far\.example is not this machine.*expected tls and credentials/);
  });

  test.each([
    [['--creds', 'none.creds'], /--creds none\.creds cannot be read/],
    [['--backend', 'nowhere'], /nowhere is not installed/],
    [['--cert', 'own.pem'], /expected \{ caFile, certFile, keyFile \}.*the last two together/],
    [['--threads', '0'], /expected an integer greater than 0/],
  ])('with %j is wrong usage', (words, message) => {
    const { code, stderr } = heed(['worker', '--backend', 'ts', ...words], { cwd: folderOf({}) });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
