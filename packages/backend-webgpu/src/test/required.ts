/** Returns whether an absent adapter or browser is a failure, not a skip: `HEED_REQUIRE` decides, as in the suite. */
export function isRequired(): boolean {
  const names = (process.env['HEED_REQUIRE'] ?? '').split(',');
  return names.includes('all') || names.includes('webgpu');
}
