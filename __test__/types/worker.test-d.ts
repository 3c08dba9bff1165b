import { MessageChannel } from 'node:worker_threads'
import { expectAssignable, expectError, expectType } from 'tsd'
import {
  type Moved,
  move,
  Pool,
  type PoolOptions,
  type PoolTransform,
  pool,
  transforms,
  type WorkerOutput
} from '../../index.js'

interface Job {
  path: string
  width: number
}

const resize = transforms.worker<Job, Uint8Array>(new URL('file:///resize.js'), { export: 'resize' })
expectType<PoolTransform<Job, Uint8Array>>(resize)
expectType<Promise<Uint8Array>>(pool.run(resize, { path: 'cat.jpg', width: 200 }))
expectType<Promise<Uint8Array[]>>(pool.map(resize, [{ path: 'cat.jpg', width: 200 }]))
expectError(pool.run(resize, { path: 'cat.jpg' }))
declare const draw: PoolTransform<{ kind: 'round' | 'square' }, string>
expectType<Promise<string>>(pool.run(draw, { kind: 'round' }))
expectType<Promise<string[]>>(pool.map(draw, [{ kind: 'round' }, { kind: 'square' }]))
expectError(pool.run(draw, { kind: 'oval' }))
expectError(transforms.worker(1))
expectError(transforms.worker('./x.js', { name: 'x' }))
expectError(pool.stream(resize))

// Typed by the module: its default export, its only function, or a named one.
interface Resizer {
  default: (job: Job, context: { signal: AbortSignal }) => Promise<Buffer>
  dispose: () => void
}
interface Named {
  first: (input: string) => number
  second: (input: number) => Moved<string[]>
  version: string
  dispose: () => void
}
expectType<PoolTransform<Job, Uint8Array<ArrayBuffer>>>(transforms.worker<Resizer>('./resize.js'))
expectType<PoolTransform<Job, Uint8Array<ArrayBuffer>>>(transforms.worker<{ default: Resizer }>('./resize.cjs'))
expectType<PoolTransform<number, string[]>>(transforms.worker<Pick<Named, 'second'>>('./named.js'))
expectType<PoolTransform<string, number>>(transforms.worker<Named, 'first'>('./named.js', { export: 'first' }))
expectType<Promise<number>>(pool.run(transforms.worker<(input: string) => number>('./length.cjs'), 'text'))
expectType<PoolTransform<unknown, number>>(transforms.worker<{ default: () => number }>('./now.js'))

// A name that the module does not export, or that the call does not pass.
expectError(transforms.worker<Named>('./named.js'))
expectError(transforms.worker<Named>('./named.js', { export: 'first' }))
expectError(transforms.worker<Named, 'first'>('./named.js'))
expectError(transforms.worker<Named, 'first'>('./named.js', {}))
expectError(transforms.worker<Named, 'first'>('./named.js', { export: 'second' }))
expectError(transforms.worker<Named, 'third'>('./named.js'))
expectError(transforms.worker<Named, 'third'>('./named.js', { export: 'third' }))
expectError(transforms.worker<Named, 'dispose'>('./named.js', { export: 'dispose' }))
expectError(transforms.worker<Named, 'version'>('./named.js', { export: 'version' }))
expectError(transforms.worker<Resizer, 'resize'>('./resize.js', { export: 'resize' }))
expectError(transforms.worker<{ version: string }>('./named.js'))

// Stated types are not mistaken for a module.
expectType<PoolTransform<Buffer, 'small' | 'large'>>(transforms.worker<Buffer, 'small' | 'large'>('./x.js'))
expectType<PoolTransform<Date, 'past'>>(transforms.worker<Date, 'past'>('./x.js', { export: 'x' }))
expectType<PoolTransform<Job, 'done'>>(transforms.worker<Job, 'done'>('./x.js', { export: undefined }))
expectType<PoolTransform<string[], 'done'>>(transforms.worker<string[], 'done'>('./x.js'))
// biome-ignore lint/suspicious/noExplicitAny: types that were never stated
expectType<PoolTransform<any, any>>(transforms.worker<any, any>('./x.js'))
expectType<PoolTransform<unknown, unknown>>(transforms.worker('./x.js', { export: 'x' }))
expectType<PoolTransform<unknown, never>>(transforms.worker<unknown, never>('./x.js'))

// A result has the types of its structured clone.
expectType<{ data: Uint8Array<ArrayBuffer>; preview?: Uint8Array<ArrayBuffer> }>(
  clone<{ data: Buffer; preview?: Buffer }>()
)
expectType<Uint8Array<ArrayBuffer>>(clone<Moved<Buffer>>())
expectType<{ data: Uint8Array<ArrayBuffer> } | undefined>(clone<Moved<{ data: Buffer }> | undefined>())
expectType<{ readonly parts: readonly Uint8Array<ArrayBuffer>[] }>(clone<{ readonly parts: readonly Buffer[] }>())
expectType<[Uint8Array<ArrayBuffer>, number?]>(clone<[Buffer, number?]>())
expectType<Map<string, Uint8Array<ArrayBuffer>[]>>(clone<Map<string, Buffer[]>>())
expectType<Set<{ at: Date; data: Uint8Array<ArrayBuffer> }>>(clone<Set<{ at: Date; data: Buffer }>>())
expectType<Record<string, Uint8Array<ArrayBuffer>>>(clone<Record<string, Buffer>>())
expectType<{ kind: 'text' } | { kind: 'file'; data: Uint8Array<ArrayBuffer> }>(
  clone<{ kind: 'text' } | { kind: 'file'; data: Buffer }>()
)
expectError(clone<{ data: Buffer }>().data.toString('hex'))
expectError(clone<Buffer[][]>()[0][0].readUInt8(0))

// Other types keep their names.
expectType<Job>(clone<Job>())
expectType<Tree>(clone<Tree>())
expectType<Account>(clone<Account>())
expectType<Float64Array | Error | RegExp | null>(clone<Float64Array | Error | RegExp | null>())
expectType<() => Buffer>(clone<() => Buffer>())
expectType<unknown>(clone<unknown>())
// biome-ignore lint/suspicious/noExplicitAny: types that were never stated
expectType<any>(clone<any>())
interface Tree {
  branches: Tree[]
  name: string
}
declare class Account {
  balance: bigint
  owner: Map<string, { name: string }>
  deposit(amount: bigint): void
}
declare function clone<Result>(): WorkerOutput<() => Promise<Result>>

const report = transforms.workerScript<{ year: number }, string>('./report.js')
expectType<Promise<string>>(pool.run(report, { year: 2025 }))

const both = transforms.chain(transforms.gunzip(), transforms.worker<Buffer, string>('./parse.js'))
expectType<Promise<string>>(pool.run(both, Buffer.alloc(0)))

const { port2 } = new MessageChannel()
expectType<Moved<typeof port2>>(move(port2))
const image = new Uint8Array(9)
expectType<Moved<{ image: Uint8Array<ArrayBuffer> }>>(move({ image }, [image.buffer]))
expectError(move({ image }))

expectAssignable<PoolOptions>({
  workers: {
    idleTimeout: Infinity,
    gracePeriod: 0,
    maxTasks: 9,
    maxHeap: 9,
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: {}
  }
})
expectType<Pool>(new Pool({ workers: { idleTimeout: undefined } }))
expectError(new Pool({ workers: { idle: 1 } }))
