// The parts of other packages that the benchmarks use, for type checks without those packages.

declare module 'piscina' {
  export class Piscina {
    constructor(options: { filename: string; minThreads: number; maxThreads: number })
    run(input: unknown, options?: { name?: string; transferList?: ArrayBuffer[] }): Promise<unknown>
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

declare module 'lru-cache' {
  export class LRUCache<K, V> {
    constructor(options: { max: number; fetchMethod?: (id: K) => Promise<V> })
    get(id: K): V | undefined
    set(id: K, value: V): this
    fetch(id: K): Promise<V>
    clear(): void
  }
}

declare module 'async-cache-dedupe' {
  export function createCache(options: { ttl: number; storage: { type: 'memory'; options: { size: number } } }): {
    define<R>(name: 'load', load: (id: string) => Promise<R>): { load(id: string): Promise<R> }
  }
}

declare module 'memoizee' {
  function memoizee<F>(f: F, options: { promise: true; primitive: true; length: number; max: number }): F
  export = memoizee
}

declare module 'cacheable' {
  export function createKeyv(options: { lruSize: number; useClone: boolean }): unknown
  export class Cacheable {
    constructor(options: { primary: unknown })
    getOrSet<V>(id: string, load: () => Promise<V>): Promise<V | undefined>
  }
}

declare module 'dataloader' {
  class DataLoader<K, V> {
    constructor(load: (ids: readonly K[]) => Promise<V[]>)
    load(id: K): Promise<V>
  }
  export = DataLoader
}

declare module 'blocked-at' {
  function blockedAt(
    callback: (time: number, stack: string[]) => void,
    options: { threshold: number }
  ): { stop(): void }
  export = blockedAt
}

declare module '@sentry-internal/node-native-stacktrace' {
  export function registerThread(): void
  export function threadPoll(): void
  export function getThreadsLastSeen(): Record<string, number>
  interface Frame {
    function: string
    filename: string
    lineno: number
    colno: number
  }
  export function captureStackTrace(): Record<string, { frames: Frame[] }>
}
