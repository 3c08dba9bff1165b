import type { Duplex, Writable } from 'node:stream'
import { expectAssignable, expectError, expectType } from 'tsd'
import {
  type EachOptions,
  type NonSharedBuffer,
  type PoolStreamOptions,
  pool,
  type Sink,
  type StreamStats,
  type TransformDuplex,
  transforms
} from '../..'

// A stream is a Duplex that can be flushed.
const gzip = pool.stream(transforms.gzip(), { highWaterMark: 1, signal: AbortSignal.timeout(1), priority: 'low' })
expectType<TransformDuplex>(gzip)
expectAssignable<Duplex>(gzip)
expectType<void>(gzip.flush())
expectType<void>(gzip.flush(error => expectType<Error | null | undefined>(error)))
expectType<StreamStats>(gzip.stats())
expectError(pool.stream('gzip'))
expectError(pool.stream(transforms.gzip(), { each: true }))
expectError(pool.stream(transforms.gzip(), { highWaterMark: '1' }))

// A sink has the type of its result.
const hash = pool.collect(transforms.digest('sha256', { encoding: 'hex' }))
expectType<Sink<string>>(hash)
expectType<Promise<string>>(hash.result)
expectAssignable<Writable>(hash)
expectType<StreamStats>(hash.stats())
expectType<number>(hash.stats().inFlightBytes)
expectType<Sink<NonSharedBuffer>>(pool.collect(transforms.gzip(), {}))
expectType<Sink<NonSharedBuffer>>(pool.collect(transforms.gzip(), { highWaterMark: undefined, priority: 'high' }))
pool.collect(transforms.gzip()).result.then(packed => new Response(packed))
expectError(pool.collect(transforms.json.minify()))
expectError(pool.collect(transforms.gzip(), { each: true }))
expectError(pool.collect(transforms.gzip(), { concurrency: 2 }))
expectError(pool.collect(transforms.gzip(), { objectMode: true }))
expectError(pool.sink)

// A sink of separate inputs counts them.
expectType<Sink<number>>(pool.each(transforms.gzip()))
expectType<Sink<number>>(pool.each(transforms.json.minify(), undefined, { concurrency: 4 }))
expectType<Sink<number>>(
  pool.each(
    transforms.digest('md5', { encoding: 'hex' }),
    (result, index) => {
      expectType<string>(result)
      expectType<number>(index)
    },
    { objectMode: true, concurrency: 4 }
  )
)
pool.each(transforms.gzip(), packed => expectType<NonSharedBuffer>(packed))
expectError(pool.each(transforms.gzip(), (_: string) => {}))
expectError(pool.each(transforms.gzip(), { concurrency: 4 }))
expectError(pool.each(transforms.gzip(), undefined, { batch: true }))
expectError(pool.each(transforms.gzip(), undefined, { onResult: () => {} }))
expectError(pool.stream(transforms.gzip(), { concurrency: 2 }))
expectAssignable<PoolStreamOptions>({ highWaterMark: undefined, signal: undefined })
expectAssignable<EachOptions>({ concurrency: undefined, objectMode: undefined, highWaterMark: undefined })
pool.each(transforms.gzip(), async () => {})
const gathered: string[] = []
expectType<Sink<number>>(pool.each(transforms.digest('md5', { encoding: 'hex' }), it => gathered.push(it)))
