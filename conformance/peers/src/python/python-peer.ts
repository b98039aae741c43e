import { type Peer, type PeerDefinition, definePeer } from '../peer.ts';
import { type EnvironmentName, interpreterOf } from './environment.ts';
import { attendRequest, pythonServer } from './python-server.ts';

type PythonPeer = Omit<PeerDefinition, 'probe' | 'open'> & {
  /** Name of the module in `python/peers` that calls the library. */
  readonly module: string;
  /** Default `current`. */
  readonly environment?: EnvironmentName;
};

/** A peer that runs in a Python process. */
export function pythonPeer({ module, environment = 'current', ...definition }: PythonPeer): Peer {
  const server = pythonServer(environment);
  // Importing a library takes seconds, and what was imported once can be again.
  let version: string | null = null;
  const versionOf = async (): Promise<string> =>
    (version ??= (await server.ask({ kind: 'version', peer: module })).version);
  return definePeer({
    ...definition,
    async probe() {
      if (version !== null) return { available: true };
      server.open();
      try {
        await versionOf();
        return { available: true };
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        return {
          available: false,
          reason: `${interpreterOf(environment)} cannot import it: ${words}`,
          remedy: 'pnpm --filter @heed/peers provision, or put a Python that has it first on the PATH',
        };
      } finally {
        await server.close();
      }
    },
    async open() {
      server.open();
      return {
        version: await versionOf(),
        attend: async (problem, inputs) => (await server.ask(attendRequest(module, problem), inputs)).results,
        close: () => server.close(),
      };
    },
  });
}
