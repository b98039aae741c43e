// exports
//   AttentionOpOptions
//   MultiHeadAttentionLayer
//   MultiHeadAttentionLayerClass
//   MultiHeadAttentionLayerConfig
//   TensorFlow
//   attentionOp
//   multiHeadAttentionLayer

export interface AttentionOpOptions {
    readonly scale?: number | undefined;
    readonly causal?: boolean | undefined;
    readonly mask?: Tensor | undefined;
}

export interface CallArguments {
    readonly mask?: Tensor | readonly (Tensor | null)[] | null;
}

export type FloatTensor = Tensor<ComputeDType>;

export interface MultiHeadAttentionLayer extends layers.Layer {
    build(): void;
    call(inputs: Tensor | Tensor[], kwargs?: CallArguments): Tensor;
    stateDict(): NamedTensors;
    loadStateDict(stateDict: StateDict, options?: {
        readonly prefix?: string | undefined;
    }): void;
}

export interface MultiHeadAttentionLayerClass {
    readonly className: string;
    new (config: MultiHeadAttentionLayerConfig): MultiHeadAttentionLayer;
    fromConfig: typeof layers.Layer.fromConfig;
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
    readonly inputShape?: (number | null)[];
}

export type NamedTensors = Readonly<Record<string, FloatTensor>>;

export type StateDict = Readonly<Record<string, Tensor>>;

export type TensorFlow = typeof import('@tensorflow/tfjs');

export declare function attentionOp(tf: TensorFlow, query: Tensor4D, key: Tensor4D, value: Tensor4D, options?: AttentionOpOptions): Tensor4D;

export declare function multiHeadAttentionLayer(tf: TensorFlow): MultiHeadAttentionLayerClass;
