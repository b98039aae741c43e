/** Documents whose page has another name. */
const PAGES: Readonly<Record<string, string>> = {
  'ARCHITECTURE.md': 'project/architecture.md',
  'CONTRIBUTING.md': 'project/contributing.md',
  'SECURITY.md': 'project/security.md',
  'CODE_OF_CONDUCT.md': 'project/code-of-conduct.md',
  'decisions/README.md': 'project/decisions.md',
  'packages/core/DECODING.md': 'guide/decoding.md',
  'conformance/WRITING-A-BACKEND.md': 'guide/writing-a-backend.md',
  'apps/cli/README.md': 'guide/command.md',
  'apps/examples/README.md': 'guide/examples.md',
  'benchmarks/README.md': 'performance/how.md',
  'conformance/README.md': 'guide/conformance.md',
  'conformance/SPEC.md': 'specification.md',
  'conformance/CASES.md': 'guide/case-files.md',
  'conformance/peers/COMPATIBILITY.md': 'compatibility.md',
  'conformance/peers/MIGRATING.md': 'guide/coming-from.md',
  'conformance/peers/README.md': 'peers.md',
};

/** Returns the page of a file of the site; both are paths from the site's root. */
export function pageOf(file: string): string {
  // TypeDoc numbers names that differ in case alone: core's `OPERATIONS` and the entry `@heed/core/operations`.
  if (!file.startsWith('collected/'))
    return file
      .replace(/^api\/@heed\//, 'api/')
      .replace(/^api\/core\/operations-1\.md$/, 'api/core/operations.md');
  const document = file.slice('collected/'.length);
  return (
    PAGES[document] ??
    document
      .replace(/^conformance\/peers\/defects\/([\w-]+)\/README\.md$/, 'defects/$1.md')
      .replace(/^packages\/([\w-]+)\/README\.md$/, 'packages/$1.md')
  );
}
