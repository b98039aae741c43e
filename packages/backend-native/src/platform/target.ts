/** The platform as the packages of native files name it: `linux-x64`, `linux-arm64-musl`. */
export function targetName(): string {
  const { platform, arch } = process;
  return `${platform}-${arch}${platform === 'linux' && !hasGlibc() ? '-musl' : ''}`;
}

function hasGlibc(): boolean {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime !== undefined;
}
