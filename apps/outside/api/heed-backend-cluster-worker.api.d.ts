// exports
//   ClusterCredentials
//   ClusterTLS
//   ClusterWorker
//   ConnectionOptions
//   WorkerOptions
//   startWorker

export type ClusterCredentials = {
    readonly user: string;
    readonly password: string;
} | {
    readonly token: string;
} | {
    readonly creds: string;
};

export interface ClusterTLS {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
}

export interface ClusterWorker {
    readonly id: string;
    readonly device: string;
    readonly ended: Promise<void>;
    stop(): Promise<void>;
}

export interface ConnectionOptions {
    readonly servers?: string | readonly string[];
    readonly credentials?: ClusterCredentials;
    readonly tls?: ClusterTLS;
    readonly namespace?: string;
}

export type WorkerEvent = (message: string) => void;

export interface WorkerOptions extends ConnectionOptions {
    readonly backend: string;
    readonly backendOptions?: object;
    readonly acknowledgement?: number;
    readonly deliveries?: number;
    readonly life?: number;
    readonly cacheBytes?: number;
    readonly onEvent?: WorkerEvent;
}

export declare function startWorker(options: WorkerOptions): Promise<ClusterWorker>;
