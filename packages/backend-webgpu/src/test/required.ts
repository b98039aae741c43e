/** Returns whether what is absent, an adapter or a browser, is a failure and not a skip: as in the suite, `HEED_REQUIRE` says. */
export function isRequired(): boolean {
  const names = (process.env['HEED_REQUIRE'] ?? '').split(',');
  return names.includes('all') || names.includes('webgpu');
}
