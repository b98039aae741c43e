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
    readonly caFile?: string | undefined;
    readonly certFile?: string | undefined;
    readonly keyFile?: string | undefined;
}

export interface ClusterWorker {
    readonly id: string;
    readonly device: string;
    readonly ended: Promise<void>;
    stop(): Promise<void>;
}

export interface ConnectionOptions {
    readonly servers?: string | readonly string[] | undefined;
    readonly credentials?: ClusterCredentials | undefined;
    readonly tls?: ClusterTLS | undefined;
    readonly namespace?: string | undefined;
}

export type WorkerEvent = (message: string) => void;

export interface WorkerOptions extends ConnectionOptions {
    readonly backend: string;
    readonly backendOptions?: object | undefined;
    readonly acknowledgement?: number | undefined;
    readonly deliveries?: number | undefined;
    readonly life?: number | undefined;
    readonly cacheBytes?: number | undefined;
    readonly onEvent?: WorkerEvent | undefined;
}

export declare function startWorker(options: WorkerOptions): Promise<ClusterWorker>;
