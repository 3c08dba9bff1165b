import { MessageChannel } from 'node:worker_threads'
import { expectAssignable, expectError, expectType } from 'tsd'
import { type Moved, move, Pool, type PoolOptions, type PoolTransform, pool, transforms } from '../../index.js'

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
}
expectType<PoolTransform<Job, Uint8Array<ArrayBuffer>>>(transforms.worker<Resizer>('./resize.js'))
expectType<PoolTransform<Job, Uint8Array<ArrayBuffer>>>(transforms.worker<{ default: Resizer }>('./resize.cjs'))
expectType<PoolTransform<number, string[]>>(transforms.worker<Pick<Named, 'second'>>('./named.js'))
expectType<PoolTransform<string, number>>(transforms.worker<Named, 'first'>('./named.js', { export: 'first' }))
expectType<PoolTransform<never, never>>(transforms.worker<Named>('./named.js'))
expectType<Promise<number>>(pool.run(transforms.worker<(input: string) => number>('./length.cjs'), 'text'))

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
