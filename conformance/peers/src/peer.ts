import {
  type AttentionInputs,
  type AttentionProblem,
  type AttentionResults,
  type Availability,
  type BackendProvider,
  CONTRACT_VERSION,
  type Capabilities,
  HeedError,
  type Tensor,
} from '@heed/core';
import { checkOptions, defineBackend } from '@heed/core/backend';

/** An operation of another library, as its documentation describes it. */
export interface PeerDefinition {
  /** Such as `torch-sdpa`; also the name of its module and of its list of expected failures. */
  readonly name: string;
  /** The library and the operation: `PyTorch`, `scaled_dot_product_attention`. */
  readonly library: string;
  readonly operation: string;
  /** The page that the declared features are read from. */
  readonly documentation: string;
  /** Capabilities according to the documentation, whether or not it is right. */
  readonly capabilities: Capabilities;
  probe(): Promise<Availability>;
  /** Loads the library. */
  open(): Promise<OpenPeer>;
}

/** A library that is loaded. */
export interface OpenPeer {
  readonly version: string;
  /** Calls the operation: polarity, layout and alignment are translated, nothing is computed. */
  attend(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): Promise<AttentionResults>;
  close(): Promise<void>;
}

/** A provider of the contract, with what the matrix says about the library. */
export type Peer = BackendProvider & Pick<PeerDefinition, 'library' | 'operation' | 'documentation'>;

/** Makes an operation of another library a backend that the suite can judge. */
export function definePeer(definition: PeerDefinition): Peer {
  const { name, library, operation, documentation, capabilities } = definition;
  return {
    contract: CONTRACT_VERSION,
    name,
    library,
    operation,
    documentation,
    probe: definition.probe,
    async create(options = {}) {
      checkOptions(`${name}.create()`, options, {});
      const availability = await definition.probe();
      if (!availability.available) {
        throw new HeedError('UNAVAILABLE', `${name}: ${availability.reason}`, {
          remedy: availability.remedy,
        });
      }
      const peer = await definition.open();
      return defineBackend({
        name,
        device: `${library} ${peer.version}`,
        capabilities,
        compile: (problem) => ({
          plan: { algorithm: operation, tile: { query: 0, key: 0 }, scratchBytes: 0 },
          run: (inputs) => peer.attend(problem, inputs),
        }),
        dispose: () => peer.close(),
      });
    },
  };
}
