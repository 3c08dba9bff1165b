// What is used of the other packages, so that the types check where they are not installed.

declare module 'piscina' {
  export class Piscina {
    constructor(options: { filename: string; minThreads: number; maxThreads: number })
    run(input: unknown): Promise<unknown>
    destroy(): Promise<void>
  }
  export function move<T>(value: T): T
}

declare module 'tinypool' {
  export class Tinypool {
    constructor(options: { filename: string; minThreads: number; maxThreads: number })
    run(input: unknown): Promise<unknown>
    destroy(): Promise<void>
  }
}

declare module 'workerpool' {
  interface Pool {
    exec(method: string, params: unknown[]): PromiseLike<unknown>
    terminate(): PromiseLike<unknown>
  }
  export function pool(script: string, options: { workerType: 'thread'; minWorkers: number; maxWorkers: number }): Pool
  export function worker(methods: Record<string, (input: never) => unknown>): void
}
