import type { Duplex, Writable } from 'node:stream'
import { expectAssignable, expectError, expectType } from 'tsd'
import { type PoolStreamOptions, pool, type Sink, type SinkOptions, type TransformDuplex, transforms } from '../..'

// A stream is a Duplex that can be flushed.
const gzip = pool.stream(transforms.gzip(), { highWaterMark: 1, signal: AbortSignal.timeout(1), priority: 'low' })
expectType<TransformDuplex>(gzip)
expectAssignable<Duplex>(gzip)
expectType<void>(gzip.flush())
expectType<void>(gzip.flush(error => expectType<Error | null | undefined>(error)))
expectError(pool.stream('gzip'))
expectError(pool.stream(transforms.gzip(), { each: true }))
expectError(pool.stream(transforms.gzip(), { highWaterMark: '1' }))

// A sink has the type of its result.
const hash = pool.sink(transforms.digest('sha256', { encoding: 'hex' }))
expectType<Sink<string>>(hash)
expectType<Promise<string>>(hash.result)
expectAssignable<Writable>(hash)
expectType<number>(hash.stats().inFlightBytes)
expectType<Sink<Buffer<ArrayBuffer>>>(pool.sink(transforms.gzip(), {}))
expectType<Sink<Buffer<ArrayBuffer>>>(pool.sink(transforms.gzip(), { each: false, highWaterMark: undefined }))
expectType<Sink<number>>(pool.sink(transforms.gzip(), { each: true }))
expectType<Sink<number>>(
  pool.sink(transforms.digest('md5', { encoding: 'hex' }), {
    each: true,
    objectMode: true,
    concurrency: 4,
    onResult(result, index) {
      expectType<string>(result)
      expectType<number>(index)
    }
  })
)
expectError(pool.sink(transforms.gzip(), { each: true, onResult: (_: string) => {} }))
expectError(pool.sink(transforms.gzip(), { batch: true }))
expectError(pool.stream(transforms.gzip(), { concurrency: 2 }))
expectAssignable<PoolStreamOptions>({ highWaterMark: undefined, signal: undefined })
expectAssignable<SinkOptions<string>>({
  concurrency: undefined,
  each: undefined,
  objectMode: undefined,
  onResult: undefined
})
expectAssignable<SinkOptions<string>>({ onResult: async () => {} })
const gathered: string[] = []
expectType<Sink<number>>(
  pool.sink(transforms.digest('md5', { encoding: 'hex' }), { each: true, onResult: it => gathered.push(it) })
)
