// A consumer of the package, compiled under each version of TypeScript and of @types/node.

import { Cache, type OffloopError, Pool, type PoolTransform, pool, type StreamingTransform, transforms } from 'offloop'
import { collectMetrics } from 'offloop/prometheus'

interface Job {
  width: number
}
interface Resizer {
  default: (job: Job, context: { signal: AbortSignal }) => Promise<Buffer>
  dispose: () => void
}

/** Results are accepted by the web's APIs. */
export async function web(body: string): Promise<unknown[]> {
  const result = await pool.run(transforms.gzip(), body)
  const response = new Response(result)
  const blob = new Blob([result])
  await fetch('http://localhost', { method: 'POST', body: result })
  const digest: ArrayBuffer = await crypto.subtle.digest('SHA-256', result)
  const { counts } = await pool.run(transforms.numeric.histogram({ bins: 3 }), new Float64Array(9))
  return [response, blob, digest, new Blob([counts]), await crypto.subtle.digest('SHA-256', counts)]
}

/** Chains of any length, and a step that does not fit. */
export const long: StreamingTransform<string, string> = transforms.chain(
  transforms.gzip(),
  transforms.gunzip(),
  transforms.gzip(),
  transforms.gunzip(),
  transforms.gzip(),
  transforms.gunzip(),
  transforms.digest('md5', { encoding: 'hex' })
)
export const wrong = (count: PoolTransform<Uint8Array, number>) =>
  // @ts-expect-error a number is not bytes
  transforms.chain(transforms.gzip(), count, transforms.gzip(), transforms.gzip(), transforms.gzip(), transforms.gzip())

/** Worker functions typed by their module, or by hand. */
export const resize: PoolTransform<Job, Uint8Array> = transforms.worker<Resizer>('./resize.js')
export const named: PoolTransform<Job, Uint8Array> = transforms.worker<{ resize: Resizer['default'] }, 'resize'>(
  './a.js',
  {
    export: 'resize'
  }
)
export const stated: PoolTransform<string, number> = transforms.worker<string, number>('./length.js')

/** `numeric.sort` keeps the class of the array. */
export const sorted: Promise<Float64Array> = pool.run(transforms.numeric.sort<Float64Array>(), new Float64Array([2, 1]))

/** Exact optional properties: `undefined` is a value of every option. */
export async function options(): Promise<string> {
  await using own = new Pool({ threads: 1, maxQueue: undefined, name: undefined })
  using squares = new Cache({ max: 10, load: async (id: string) => Number(id) ** 2 })
  const square: number = await squares.get('3')
  await own.run(transforms.identity(), 'x', { signal: undefined, priority: undefined })
  const stop: () => void = collectMetrics({ pools: { own }, caches: { squares } })
  stop()
  return String(square)
}

/** A generic wrapper keeps both types. */
export function wrapped<In, Out>(transform: PoolTransform<In, Out>, input: In): Promise<Out> {
  return pool.run(transform, input)
}

/** Codes are a closed union. */
export function isFull(error: OffloopError): boolean {
  // @ts-expect-error no such code
  if (error.code === 'ERR_OFFLOOP_NONE') return false
  return error.code === 'ERR_OFFLOOP_QUEUE_FULL'
}
