import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  type BytesLike,
  type BytesOrText,
  type LoopStats,
  type Moved,
  move,
  type OffloopError,
  type OverloadError,
  Pool,
  type PoolStats,
  type PoolTransform,
  pool,
  type StreamingTransform,
  signalOf,
  type TextEncoding,
  transforms
} from '../..'

// move keeps the type of its value.
expectAssignable<Moved<Uint8Array>>(move(new Uint8Array(1)))
expectError(move('text'))

// A transform has the types of its input and its result.
declare const optional: { encoding?: TextEncoding }
expectType<StreamingTransform<BytesOrText, Buffer<ArrayBuffer>>>(transforms.identity())
expectType<StreamingTransform<BytesOrText, Buffer<ArrayBuffer>>>(transforms.digest('sha256'))
expectType<StreamingTransform<BytesOrText, string>>(transforms.digest('sha256', { encoding: 'hex' }))
expectType<StreamingTransform<BytesOrText, Buffer<ArrayBuffer>>>(transforms.digest('sha256', undefined))
expectType<StreamingTransform<BytesOrText, Buffer<ArrayBuffer>>>(transforms.digest('sha256', { encoding: undefined }))
expectType<StreamingTransform<BytesOrText, Buffer<ArrayBuffer> | string>>(transforms.digest('sha256', optional))
expectType<Promise<Buffer<ArrayBuffer>>>(pool.run(transforms.hmac('sha512', 'key', {}), 'text'))
expectAssignable<StreamingTransform<BytesOrText, string>>(transforms.hmac('sha512', 'key', { encoding: 'base64url' }))
expectType<Promise<string>>(pool.run(transforms.hmac('sha512', 'key', { encoding: 'base64url' }), 'text'))
expectType<StreamingTransform<BytesLike, Buffer<ArrayBuffer>>>(transforms.gunzip({ maxOutput: 1 }))
expectError(transforms.digest('sha-256'))
expectError(transforms.digest('sha256', { encoding: 'latin1' }))
expectError(transforms.hmac('sha256'))
expectError(transforms.gzip({ level: '6' }))

// A stream transform is a transform, but not vice versa.
expectAssignable<PoolTransform<BytesOrText, Buffer>>(transforms.gzip())
declare const nonStreaming: PoolTransform<BytesOrText, Buffer>
expectNotAssignable<StreamingTransform<BytesOrText, Buffer>>(nonStreaming)

// The steps of a chain must fit; a chain with a non-streaming step cannot stream.
expectType<StreamingTransform<BytesOrText, string>>(
  transforms.chain(transforms.gzip(), transforms.digest('md5', { encoding: 'hex' }))
)
expectType<PoolTransform<BytesLike, Buffer>>(transforms.chain(transforms.gunzip(), nonStreaming))
expectError(transforms.chain(transforms.digest('md5', { encoding: 'hex' }), transforms.gunzip()))
expectError(transforms.chain())

// run infers its result from the transform, and accepts moved inputs.
expectType<Pool>(pool)
expectType<Promise<Buffer<ArrayBuffer>>>(pool.run(transforms.gzip(), 'text'))
expectType<Promise<string>>(pool.run(transforms.digest('md5', { encoding: 'hex' }), move(new Uint8Array(1))))
expectType<Promise<Buffer<ArrayBuffer>>>(
  pool.run(transforms.gzip(), '', { signal: AbortSignal.timeout(1), priority: 'low' })
)
expectError(pool.run(transforms.gunzip(), 'text'))
expectError(pool.run(transforms.gzip(), '', { priority: 'urgent' }))

// The expected result reaches a transform that is made in the call.
expectType<Promise<number[]>>(expected<number[]>(pool.run(transforms.json.parse(), 'text')))
expectType<Promise<'a' | 'b'>>(expected<'a' | 'b'>(pool.run(transforms.worker('./x.js'), 'text')))
expectType<Promise<number[]>>(expected<number[]>(pool.map(transforms.json.parse(), ['text'])))
declare function expected<Out>(result: Promise<Out>): Promise<Out>

// Generic code keeps both types.
export function wrapped<In, Out>(transform: PoolTransform<In, Out>, input: In): Promise<Out> {
  expectType<Promise<Out[]>>(pool.map(transform, [input]))
  expectType<AsyncIterableIterator<Out> & AsyncDisposable>(pool.iterate(transform, [input]))
  expectError<Promise<In>>(pool.run(transform, input))
  return pool.run(transform, input)
}
export function ofText<Out>(transform: PoolTransform<string, Out>): Promise<Out> {
  expectError(pool.run(transform, 1))
  return pool.run(transform, 'text')
}
export function bounded<T extends PoolTransform<string, number>>(transform: T): Promise<number> {
  return pool.run(transform, 'text')
}
expectType<Promise<Buffer<ArrayBuffer>>>(pool.run<string, Buffer<ArrayBuffer>>(transforms.gzip(), 'text'))

// The results of map and iterate depend on settle.
expectType<Promise<Buffer<ArrayBuffer>[]>>(pool.map(transforms.gzip(), ['a', 'b']))
expectType<Promise<PromiseSettledResult<Buffer<ArrayBuffer>>[]>>(pool.map(transforms.gzip(), ['a'], { settle: true }))
expectType<AsyncIterableIterator<Buffer<ArrayBuffer>> & AsyncDisposable>(
  pool.iterate(transforms.gzip(), new Set(['a']))
)
expectError(pool.map(transforms.gzip(), 1))

// User-defined pools.
expectType<Pool>(new Pool())
expectType<Pool>(new Pool({ name: 'a', threads: 1, maxQueue: 0, maxQueueBytes: 1, maxWait: 1 }))
expectError(new Pool({ threads: '1' }))
expectType<Promise<void>>(pool.ready())
expectType<Promise<void>>(pool.ready({ signal: new AbortController().signal }))
expectError(pool.map(transforms.gzip(), ['a'], { wait: true }))
expectType<Promise<Buffer<ArrayBuffer>>>(pool.run(transforms.gzip(), 'a', { wait: true }))
expectType<Promise<void>>(pool.close({ force: true }))
expectType<Promise<void>>(pool[Symbol.asyncDispose]())
expectType<PoolStats>(pool.stats())
expectType<number>(pool.stats().byTransform.gzip.runTime.p99)
expectType<LoopStats>(pool.stats().loop)
expectType<number>(pool.stats().loop.longest)
expectType<number>(pool.threads)
expectError(() => {
  pool.threads = 2
})

// Errors are one class with a closed set of codes.
declare const error: OffloopError
expectAssignable<Error>(error)
expectAssignable<'ERR_OFFLOOP_QUEUE_FULL' | (string & {})>(error.code)
expectNotAssignable<OffloopError['code']>('ERR_OFFLOOP_UNHEARD_OF')
expectType<number | undefined>(error.statusCode)
declare const overload: OverloadError
expectAssignable<OffloopError>(overload)
expectType<number>(overload.statusCode)
expectType<'ERR_OFFLOOP_QUEUE_FULL' | 'ERR_OFFLOOP_QUEUE_TIMEOUT'>(overload.code)

expectType<string | undefined>(pool.name)
expectError(pool.stats({ reset: true }))

declare const response: ServerResponse
declare const http2Response: Http2ServerResponse
expectType<AbortSignal>(signalOf(response))
expectType<AbortSignal>(signalOf(http2Response))
expectError(signalOf({}))
expectType<number | undefined>(error.offset)

// A factory is not a transform, and a plain object is not a moved value.
expectError(pool.run(transforms.gzip, 'x'))
expectError(pool.map(transforms.gzip, ['x']))
expectError(pool.run({ name: 'gzip' }, 'x'))
expectError(transforms.chain(transforms.gzip, transforms.gzip()))
expectError(pool.run(transforms.gzip(), { value: 'x' }))
