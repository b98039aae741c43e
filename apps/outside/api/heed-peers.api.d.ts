// exports
//   LineProcess
//   OnnxAttributes
//   OnnxOperator
//   OnnxType
//   OnnxValue
//   OpenPeer
//   Peer
//   PeerDefinition
//   definePeer
//   fromRows
//   onnxModel
//   startLineProcess
//   toRows

export interface LineProcess {
    readonly pid: number;
    write(data: string | Uint8Array): void;
    readLine(): Promise<string>;
    read(count: number): Promise<Uint8Array>;
    end(): Promise<void>;
}

export interface OnnxAttributes {
    readonly integers?: Readonly<Record<string, number>>;
    readonly floats?: Readonly<Record<string, number>>;
}

export interface OnnxOperator {
    readonly operator: string;
    readonly domain: string;
    readonly version: number;
    readonly attributes: OnnxAttributes;
    readonly inputs: readonly (OnnxValue | null)[];
    readonly outputs: readonly (OnnxValue | null)[];
}

export type OnnxType = 'float16' | 'float32' | 'float64' | 'int64' | 'int32' | 'bool';

export interface OnnxValue {
    readonly name: string;
    readonly type: OnnxType;
    readonly shape: readonly number[];
}

export interface OpenPeer {
    readonly version: string;
    attend(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): Promise<AttentionResults>;
    close(): Promise<void>;
}

export type Peer = BackendProvider & Pick<PeerDefinition, 'library' | 'operation' | 'documentation'>;

export interface PeerDefinition {
    readonly name: string;
    readonly library: string;
    readonly operation: string;
    readonly documentation: string;
    readonly capabilities: Capabilities;
    probe(): Promise<Availability>;
    open(): Promise<OpenPeer>;
}

export declare function definePeer(definition: PeerDefinition): Peer;

export declare function fromRows(rows: Float32Array, shape: readonly number[]): Tensor<'float32'>;

export declare function onnxModel({ operator, domain, version, attributes: { integers, floats }, inputs, outputs, }: OnnxOperator): Uint8Array;

export declare function startLineProcess(command: string, words: readonly string[]): LineProcess;

export declare function toRows({ shape, data }: Tensor<'float32'>): Tensor<'float32'>;
