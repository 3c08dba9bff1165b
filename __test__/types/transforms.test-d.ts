import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import {
  type BytesLike,
  type BytesOrText,
  type CsvOptions,
  type CsvRow,
  type CsvTable,
  type JsonBatchValidation,
  type JsonValidation,
  move,
  type NearestRow,
  type NearestTransform,
  type NonSharedBuffer,
  type NumericArray,
  type NumericStats,
  type PoolTransform,
  pool,
  type SortTransform,
  type StreamingTransform,
  type TextMatch,
  transforms
} from '../../index.js'

const key = Buffer.alloc(32)
expectType<Promise<Buffer<ArrayBuffer>>>(
  pool.run(transforms.seal('aes-256-gcm', key), { data: 'text', aad: key, nonce: undefined })
)
expectError(transforms.seal('aes-128-gcm', key))
expectError(pool.run(transforms.open('chacha20-poly1305', key), 'text'))
expectType<Promise<string>>(pool.run(transforms.hashPassword({ algorithm: 'scrypt', cost: 15 }), 'password'))
expectType<Promise<boolean>>(pool.run(transforms.verifyPassword(), { password: 'password', hash: '$2b$' }))
expectError(transforms.verifyPassword('$2b$'))
expectError(pool.run(transforms.verifyPassword(), 'password'))
expectType<Promise<Buffer<ArrayBuffer>>>(
  pool.run(transforms.chain(transforms.json.stringify(), transforms.gzip(), transforms.seal('aes-256-gcm', key)), {})
)
expectType<void>(transforms.pbkdf2('sha512', key, 1000, 64)[Symbol.dispose]())
expectType<Promise<Buffer<ArrayBuffer>>>(pool.run(transforms.pbkdf2('sha512', key, 1000, 64), key))

const schema = { type: 'object' } as const
expectType<Promise<JsonValidation>>(pool.run(transforms.json.validate(schema), '{}'))
expectType<Promise<JsonBatchValidation>>(pool.run(transforms.json.validateEach(true, { maxErrors: 3 }), '[]'))
expectType<Promise<number[]>>(pool.run(transforms.json.select<number>('$.a'), '{}'))
expectType<Promise<Buffer<ArrayBuffer>>>(pool.run(transforms.json.minify(), '{}'))
expectError(transforms.json.validate('{}'))
const packed = transforms.chain(transforms.gunzip(), transforms.json.validateEach(schema))
expectType<Promise<JsonBatchValidation>>(pool.collect(packed).result)
expectError(pool.collect(transforms.json.validate(schema)).result.then((it: string) => it))

expectType<Promise<string>>(pool.collect(transforms.text.base64Encode()).result)
expectType<Promise<Buffer<ArrayBuffer>>>(pool.run(transforms.text.base64Decode(), 'Zm9v'))
expectType<Promise<TextMatch[]>>(pool.run(transforms.text.matches('a', { flags: 'i', limit: 9 }), 'text'))
expectType<Promise<string>>(pool.run(transforms.text.replace('a', 'b'), 'text'))

// The result of a sort has the class of its input.
const sort = transforms.numeric.sort({ descending: true })
declare const shared: Int16Array<SharedArrayBuffer>
declare const either: Float32Array | BigInt64Array
expectType<SortTransform<NumericArray>>(sort)
expectType<Promise<Float64Array<ArrayBuffer>>>(pool.run(transforms.numeric.sort(), new Float64Array(3)))
expectType<Promise<Float32Array<ArrayBuffer>>>(pool.run(sort, new Float32Array(3), { wait: true }))
expectType<Promise<BigInt64Array<ArrayBuffer>>>(pool.run(sort, move(new BigInt64Array(3))))
expectType<Promise<NonSharedBuffer>>(pool.run(sort, Buffer.alloc(3)))
expectType<Promise<Int16Array<ArrayBuffer>>>(pool.run(sort, shared))
expectType<Promise<Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>>>(pool.run(sort, either))
expectType<Promise<Uint8Array<ArrayBuffer>[]>>(pool.map(sort, [new Uint8Array(3)]))
expectType<Promise<PromiseSettledResult<Int8Array<ArrayBuffer>>[]>>(
  pool.map(sort, new Set([new Int8Array(3)]), { settle: true })
)
expectType<AsyncIterableIterator<Uint32Array<ArrayBuffer>> & AsyncDisposable>(pool.iterate(sort, [new Uint32Array(3)]))
pool.each(sort, it => expectType<NumericArray>(it))
pool.each(transforms.numeric.sort<Float64Array>(), it => expectType<Float64Array<ArrayBuffer>>(it))
expectType<PoolTransform<NumericArray, NumericStats>>(transforms.chain(sort, transforms.numeric.stats()))
expectType<PoolTransform<Float32Array, NumericStats>>(
  transforms.chain(transforms.numeric.sort<Float32Array>(), transforms.numeric.stats())
)
expectAssignable<PoolTransform<Float64Array, Float64Array>>(transforms.numeric.sort<Float64Array>())
expectNotAssignable<PoolTransform<Float64Array, Float32Array>>(transforms.numeric.sort<Float64Array>())
expectError(pool.run(sort, 'text'))
expectError(pool.run(sort, new Float64Array(3)).then((it: Float32Array) => it))
expectError(pool.run(transforms.numeric.sort<Float64Array>(), new Float32Array(3)))
expectError(pool.map(sort, [[1, 2]]))
expectError(transforms.chain(transforms.csv.parse(), sort))
expectType<Promise<NumericStats>>(pool.run(transforms.numeric.stats({ quantiles: [0.5] }), new Int8Array(3)))
const nearest = transforms.numeric.nearest(move(new Float32Array(9)), { k: 1, dimensions: 3, metric: 'l2' })
expectType<NearestTransform>(nearest)
expectType<number>(nearest.bytes)
expectType<void>(nearest[Symbol.dispose]())
expectType<Promise<NearestRow[][]>>(pool.run(nearest, new Float32Array(3)))
expectType<PoolTransform<Float32Array, Buffer<ArrayBuffer>>>(transforms.chain(nearest, transforms.json.stringify()))
expectError(transforms.numeric.nearest(new Float64Array(3), { k: 1, dimensions: 3 }))
expectError(transforms.numeric.nearest(new Float32Array(3), { k: 1 }))
expectError(transforms.numeric.histogram({}))
expectError(pool.run(transforms.numeric.stats(), [1, 2]))

// JSON as values.
expectType<PoolTransform<BytesOrText, { a: number }>>(
  transforms.json.parse<{ a: number }>({ sliceMs: 2, maxDepth: 100 })
)
expectType<PoolTransform<BytesOrText, unknown>>(transforms.json.parse())
expectType<PoolTransform<unknown, Buffer<ArrayBuffer>>>(
  transforms.chain(transforms.json.stringify({ sliceMs: 2, maxDepth: 9, maxOutput: 1 }), transforms.gzip())
)
expectType<PoolTransform<BytesLike, number[]>>(transforms.chain(transforms.gunzip(), transforms.json.parse<number[]>()))
expectError(transforms.json.parse({ depth: 1 }))
expectError(transforms.json.stringify({ space: 2 }))
const typed = transforms.csv.parse({ columns: { price: 'number', sold: 'boolean', name: 'string' }, header: true })
pool.run(typed, 'price,sold,name').then(table => {
  expectType<string[]>(table.columns)
  expectType<number>(table.rows)
  expectType<Float64Array<ArrayBuffer>>(table.column('price'))
  expectType<Uint8Array<ArrayBuffer>>(table.column('sold'))
  expectType<(string | null)[]>(table.column('name'))
  expectType<(string | null)[]>(table.column('other'))
  expectType<CsvRow<{ readonly price: 'number'; readonly sold: 'boolean'; readonly name: 'string' }>[]>([...table])
  for (const { price, sold, name, other } of table) {
    expectType<number>(price)
    expectType<boolean>(sold)
    expectType<string | null>(name)
    expectType<string | number | boolean | null>(other)
    expectError(price.length)
  }
  expectType<number>(table.toJSON()[0].price)
})
pool.run(transforms.csv.parse(), 'a').then(table => {
  for (const { a } of table) expectType<string | null>(a)
})
pool.run(transforms.csv.parse(), 'a').then(it => expectType<(string | null)[]>(it.column('a')))
const loose: CsvOptions = { delimiter: ';', header: ['a', 'b'], columns: { a: 'number' }, maxOutput: undefined }
expectAssignable<Promise<CsvTable>>(pool.run(transforms.csv.parse(loose), 'a'))
expectAssignable<Promise<CsvTable>>(pool.run(typed, 'a'))
pool.run(transforms.csv.parse(loose), 'a').then(table => {
  for (const { a } of table) expectType<string | number | boolean | null>(a)
})
pool
  .collect(transforms.csv.parse(loose))
  .result.then((it: CsvTable) =>
    expectType<(string | null)[] | Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(it.column('a'))
  )
expectError(transforms.csv.parse({ columns: { a: 'date' } }))
expectError(transforms.csv.parse({ header: 'a' }))
expectError(transforms.csv.parse({ separator: ';' }))
const sums = transforms.csv.aggregate({
  groupBy: ['a'],
  measures: { n: ['count'], filled: ['count', 'x'], total: ['sum', 'x'], high: ['p99.9', 'x'] },
  quote: "'"
})
expectType<Promise<{ a: string | null; n: number; filled: number; total: number | null; high: number | null }[]>>(
  pool.run(transforms.chain(transforms.gunzip(), sums), key)
)
const spec = { groupBy: ['year', 'sold', 'region'], measures: { mean: ['mean', 'x'] } } as const
expectType<
  StreamingTransform<BytesOrText, { year: number | null; sold: boolean; region: string | null; mean: number | null }[]>
>(transforms.csv.aggregate({ ...spec, columns: { year: 'number', sold: 'boolean' } }))
expectType<StreamingTransform<BytesOrText, { n: number }[]>>(transforms.csv.aggregate({ measures: { n: ['count'] } }))
declare const names: string[]
expectType<StreamingTransform<BytesOrText, Record<string, string | number | boolean | null>[]>>(
  transforms.csv.aggregate({ groupBy: names, measures: { n: ['count'] } })
)
pool.run(sums, 'a,x').then(groups => expectError(groups[0].b))
expectError(transforms.csv.aggregate({ ...spec, columns: { year: 'date' } }))
expectError(transforms.csv.aggregate({ measures: { n: ['count'] }, groupby: ['a'] }))
expectError(transforms.csv.aggregate())
expectError(transforms.csv.aggregate({ groupBy: ['a'] }))
expectError(transforms.csv.aggregate({ measures: { n: ['total', 'x'] } }))

// The result of a step must fit the input of the next.
expectAssignable<PoolTransform<unknown, CsvTable>>(
  transforms.chain(transforms.json.stringify(), transforms.csv.parse())
)
expectError(transforms.chain(transforms.json.parse<number[]>(), transforms.gzip()))
expectError(transforms.chain(transforms.csv.parse(), transforms.gzip()))

// Chains of any length.
const { gzip, gunzip, digest } = transforms
const long = transforms.chain(gzip(), gunzip(), gzip(), gunzip(), gzip(), gunzip(), digest('md5', { encoding: 'hex' }))
expectType<StreamingTransform<BytesOrText, string>>(long)
expectType<PoolTransform<BytesOrText, number>>(
  transforms.chain(gzip(), gunzip(), gzip(), gunzip(), gzip(), transforms.worker<Uint8Array, number>('./count.js'))
)
expectType<PoolTransform<BytesOrText, unknown>>(transforms.chain(gzip(), transforms.json.parse()))
expectError(transforms.chain())
expectError(transforms.chain(transforms.text.base64Encode(), transforms.numeric.stats()))
expectError(transforms.chain(gzip(), digest('md5'), transforms.numeric.stats(), gzip(), gzip(), gzip()))
