// exports
//   default: ts

declare const ts: BackendProvider<void>;
