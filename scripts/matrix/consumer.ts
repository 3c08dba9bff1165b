// A consumer of the package, compiled under each version of TypeScript and of @types/node.

import {
  Cache,
  move,
  type NonSharedBuffer,
  type OffloopError,
  Pool,
  type PoolTransform,
  pool,
  type StreamingTransform,
  transforms
} from 'offloop'
import { collectMetrics } from 'offloop/prometheus'

interface Job {
  width: number
}
interface Resizer {
  default: (job: Job, context: { signal: AbortSignal }) => Promise<Buffer>
  dispose: () => void
}

/** Results in bytes are accepted by the web's APIs. */
export async function web(body: string, key: Uint8Array): Promise<unknown[]> {
  const { csv, json, numeric, text } = transforms
  const packed = new Cache({ max: 10, load: (id: string) => pool.run(transforms.gzip(), id) })
  const sorted = new Cache({ max: 10, load: (id: string) => pool.run(numeric.sort(), new Float64Array(id.length)) })
  const stated = new Cache<string, NonSharedBuffer>({ max: 10, storage: 'native', codec: 'bytes' })
  const table = await pool.run(csv.parse({ columns: { price: 'number', sold: 'boolean' } }), body)
  const { edges, counts } = await pool.run(numeric.histogram({ bins: 3 }), new Float64Array(9))
  const results = await Promise.all([
    pool.run(transforms.identity(), body),
    pool.run(transforms.digest('sha256'), body),
    pool.run(transforms.digest('sha256', undefined), body),
    pool.run(transforms.digest('sha256', { encoding: undefined }), body),
    pool.run(transforms.hmac('sha256', key), body),
    pool.run(transforms.hmac('sha256', key, {}), body),
    pool.run(transforms.gzip(), body),
    pool.run(transforms.gunzip(), key),
    pool.run(transforms.deflate(), body),
    pool.run(transforms.inflate(), key),
    pool.run(transforms.deflateRaw(), body),
    pool.run(transforms.inflateRaw(), key),
    pool.run(transforms.brotliCompress(), body),
    pool.run(transforms.brotliDecompress(), key),
    pool.run(transforms.zstdCompress(), body),
    pool.run(transforms.zstdDecompress(), key),
    pool.run(transforms.lz4Compress(), body),
    pool.run(transforms.lz4Decompress(), key),
    pool.run(transforms.seal('aes-256-gcm', key), { data: body }),
    pool.run(transforms.open('aes-256-gcm', key), key),
    pool.run(transforms.pbkdf2('sha256', key, 1000, 32), body),
    pool.run(json.stringify(), { body }),
    pool.run(json.minify(), body),
    pool.run(text.base64Decode(), body),
    pool.run(numeric.sort(), key),
    pool.run(numeric.sort(), Buffer.from(key)),
    pool.run(numeric.sort(), new Float64Array(9)),
    pool.run(numeric.sort(), new BigInt64Array(9)),
    pool.run(transforms.worker<Resizer>('./resize.js'), { width: 1 }),
    pool.run(transforms.chain(json.stringify(), transforms.gzip()), { body }),
    pool.map(transforms.gzip(), [body]).then(([first = Buffer.alloc(0)]) => first),
    pool.collect(transforms.digest('sha256')).result,
    pool.collect(transforms.gzip()).result,
    packed.get(body),
    packed.get(body, id => pool.run(transforms.gzip(), id)),
    sorted.get(body),
    stated.get(body, id => pool.run(transforms.gzip(), id)),
    pool.run(numeric.stats(), new Float64Array(9)).then(({ quantiles }) => quantiles)
  ])
  const used: unknown[] = []
  for (const result of [...results, table.column('price'), table.column('sold'), edges, counts]) {
    await fetch('http://localhost', { method: 'POST', body: result })
    const digest: ArrayBuffer = await crypto.subtle.digest('SHA-256', result)
    used.push(new Response(result), new Blob([result]), digest)
  }
  return used
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

interface Named {
  first: (input: string) => number
  second: () => Promise<{ parts: Map<string, Buffer>; job: Job }>
}

/** Worker functions typed by their module, or by hand. */
export const resize: PoolTransform<Job, Uint8Array> = transforms.worker<Resizer>('./resize.js')
export const named: PoolTransform<string, number> = transforms.worker<Named, 'first'>('./a.js', { export: 'first' })
export const stated: PoolTransform<string, number> = transforms.worker<string, number>('./length.js')
// @ts-expect-error no such export
export const unknown = transforms.worker<Named, 'third'>('./a.js', { export: 'third' })
// @ts-expect-error the export is not passed
export const unnamed = transforms.worker<Named>('./a.js')
export async function cloned(): Promise<Uint8Array | undefined> {
  const { parts } = await pool.run(transforms.worker<Named, 'second'>('./a.js', { export: 'second' }), undefined)
  // @ts-expect-error a clone is not a Buffer
  parts.get('a')?.readUInt8(0)
  return parts.get('a')
}

/** `numeric.sort` keeps the class of its input. */
export async function sort(doubles: Float64Array, either: Float32Array | BigInt64Array): Promise<unknown[]> {
  const sort = transforms.numeric.sort({ descending: true })
  const own: ReturnType<Float64ArrayConstructor['of']> = await pool.run(sort, doubles)
  const moved: Float64Array = await pool.run(sort, move(doubles))
  const buffer: NonSharedBuffer = await pool.run(sort, Buffer.alloc(9))
  const one: Float32Array | BigInt64Array = await pool.run(sort, either)
  const all: Int16Array[] = await pool.map(sort, [new Int16Array(3)])
  const settled = await pool.map(sort, [new Uint32Array(3)], { settle: true })
  const values: Uint32Array[] = settled.flatMap(it => (it.status === 'fulfilled' ? [it.value] : []))
  for await (const array of pool.iterate(sort, [doubles])) own.set(array satisfies Float64Array)
  pool.each(transforms.numeric.sort<Float64Array>(), (array: Float64Array) => array.length, { objectMode: true })
  // @ts-expect-error the result is a Float64Array
  const wrongClass: Float32Array = await pool.run(sort, doubles)
  // @ts-expect-error not a typed array
  await pool.run(sort, 'text')
  return [moved, buffer, one, all, values, wrongClass]
}
export const doubles: PoolTransform<Float64Array, Float64Array> = transforms.numeric.sort()
export const median: PoolTransform<Float32Array, Uint8Array> = transforms.chain(
  transforms.numeric.sort<Float32Array>(),
  transforms.worker<Float32Array, number>('./median.js'),
  transforms.json.stringify()
)

/** Rows and groups have the types of their columns. */
export async function csv(text: string): Promise<(number | string | null)[]> {
  const table = await pool.run(transforms.csv.parse({ columns: { price: 'number' } }), text)
  const prices: number[] = [...table].map(({ price }) => price)
  const spec = { groupBy: ['shop'], measures: { sales: ['count'], median: ['p50', 'price'] } } as const
  const groups = await pool.run(transforms.csv.aggregate(spec), text)
  // @ts-expect-error no such column
  const wrong = groups.map(({ store }) => store)
  return [...prices, ...groups.flatMap(({ shop, sales, median }) => [shop, sales + (median ?? 0)]), ...wrong]
}

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

/** Generic wrappers keep both types. */
export function wrapped<In, Out>(transform: PoolTransform<In, Out>, input: In): Promise<Out> {
  return pool.run(transform, input)
}
export function ofText<Out>(transform: StreamingTransform<string, Out>): Promise<Out> {
  return pool.run(transform, 'text')
}
export function bounded<T extends PoolTransform<string, number>>(transform: T): Promise<number> {
  return pool.run(transform, 'text')
}
export function mapped<In, Out>(transform: PoolTransform<In, Out>, inputs: AsyncIterable<In>): Promise<Out[]> {
  return pool.map(transform, inputs)
}
export async function* iterated<In, Out>(transform: PoolTransform<In, Out>, inputs: In[]): AsyncGenerator<Out> {
  yield* pool.iterate(transform, inputs)
}

/** The expected type reaches `json.parse`. */
export function parsed(body: string): Promise<Job> {
  return pool.run(transforms.json.parse(), body)
}

/** Inputs of worker functions are checked as literals. */
export function literals(shape: PoolTransform<{ kind: 'round' | 'square'; size: [number, number] }, string>): void {
  pool.run(shape, { kind: 'round', size: [1, 2] })
  pool.map(shape, [{ kind: 'round', size: [1, 2] }])
  // @ts-expect-error no such kind
  pool.run(shape, { kind: 'oval', size: [1, 2] })
}

/** Codes are a closed union. */
export function isFull(error: OffloopError): boolean {
  // @ts-expect-error no such code
  if (error.code === 'ERR_OFFLOOP_NONE') return false
  return error.code === 'ERR_OFFLOOP_QUEUE_FULL'
}
