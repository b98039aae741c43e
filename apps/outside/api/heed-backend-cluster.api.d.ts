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
    readonly shardKeys?: number;
    readonly patience?: number;
    readonly onRun?: (metrics: RunMetrics) => void;
    readonly onProgress?: (progress: RunProgress) => void;
}

export interface ClusterTLS {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
}

export interface ConnectionOptions {
    readonly servers?: string | readonly string[];
    readonly credentials?: ClusterCredentials;
    readonly tls?: ClusterTLS;
    readonly namespace?: string;
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
