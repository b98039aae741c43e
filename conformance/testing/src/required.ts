/**
 * Returns whether the absence of an engine, a model or a browser is a failure, not a skip: whether the environment
 * variable `HEED_REQUIRE` is `all`, or names it among others.
 */
export function isRequired(name?: string): boolean {
  const names = (process.env['HEED_REQUIRE'] ?? '').split(',').map((part) => part.trim());
  return names.includes('all') || (name !== undefined && names.includes(name));
}
