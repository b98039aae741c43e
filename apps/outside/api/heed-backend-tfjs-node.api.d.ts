// exports
//   TfjsNodeBackend
//   TfjsNodeProvider
//   default: tfjsNode

export interface TfjsNodeBackend extends AttentionBackend {
    wrap(tensor: TfTensor): ResidentTensor;
    unwrap(resident: ResidentTensor): TfTensor;
}

export interface TfjsNodeProvider extends BackendProvider<void> {
    create(): Promise<TfjsNodeBackend>;
}

declare const tfjsNode: TfjsNodeProvider;
