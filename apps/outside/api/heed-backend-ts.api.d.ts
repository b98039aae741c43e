// exports
//   default: provider

export declare const provider: BackendProvider<void>;
