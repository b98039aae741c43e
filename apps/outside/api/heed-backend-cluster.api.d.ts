// exports
//   ClusterCredentials
//   ClusterOptions
//   ClusterTLS
//   ConnectionOptions
//   RunMetrics
//   RunProgress
//   default: cluster

export type ClusterCredentials = {
    readonly user: string;
    readonly password: string;
} | {
    readonly token: string;
} | {
    readonly creds: string;
};

export interface ClusterOptions extends ConnectionOptions {
    readonly shardKeys?: number | undefined;
    readonly patience?: number | undefined;
    readonly onRun?: ((metrics: RunMetrics) => void) | undefined;
    readonly onProgress?: ((progress: RunProgress) => void) | undefined;
}

export interface ClusterTLS {
    readonly caFile?: string | undefined;
    readonly certFile?: string | undefined;
    readonly keyFile?: string | undefined;
}

export interface ConnectionOptions {
    readonly servers?: string | readonly string[] | undefined;
    readonly credentials?: ClusterCredentials | undefined;
    readonly tls?: ClusterTLS | undefined;
    readonly namespace?: string | undefined;
}

export interface RunMetrics {
    readonly shards: number;
    readonly bytesSent: number;
    readonly bytesReceived: number;
    readonly retries: number;
    readonly total: number;
    readonly compute: number;
    readonly wait: number;
    readonly merge: number;
    readonly workers: readonly string[];
}

export interface RunProgress {
    readonly done: number;
    readonly shards: number;
    readonly elapsed: number;
}

declare const cluster: BackendProvider<ClusterOptions>;
