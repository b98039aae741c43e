// exports
//   AttentionOpOptions
//   MultiHeadAttentionLayer
//   MultiHeadAttentionLayerConfig
//   attentionOp

export interface AttentionOpOptions {
    readonly scale?: number;
    readonly causal?: boolean;
    readonly mask?: Tensor;
}

export type FloatTensor = Tensor<FloatDType>;

export declare class MultiHeadAttentionLayer extends layers.Layer {
    #private;
    static className: string;
    constructor(config: MultiHeadAttentionLayerConfig);
    build(): void;
    computeOutputShape(inputShape: Shape | Shape[]): Shape;
    call(inputs: Tensor | Tensor[]): Tensor;
    getConfig(): serialization.ConfigDict;
    stateDict(): NamedTensors;
    loadStateDict(stateDict: StateDict, options?: {
        readonly prefix?: string;
    }): void;
}

export interface MultiHeadAttentionLayerConfig {
    readonly embedDim: number;
    readonly heads: number;
    readonly kvHeads?: number;
    readonly headDim?: number;
    readonly kdim?: number;
    readonly vdim?: number;
    readonly bias?: boolean;
    readonly causal?: boolean;
    readonly keyMask?: boolean;
    readonly name?: string;
}

export type NamedTensors = Readonly<Record<string, FloatTensor>>;

export type StateDict = Readonly<Record<string, Tensor>>;

export declare function attentionOp(query: Tensor4D, key: Tensor4D, value: Tensor4D, { scale, causal, mask }?: AttentionOpOptions): Tensor4D;
