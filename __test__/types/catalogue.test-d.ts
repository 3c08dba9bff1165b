import { expectError, expectType } from 'tsd'
import {
  type BatchValidation,
  type NumericStats,
  pool,
  type Transform,
  transforms,
  type Validation
} from '../../index.js'

const key = Buffer.alloc(32)
expectType<Promise<Buffer>>(pool.run(transforms.seal('aes-256-gcm', key, { aad: key, nonce: undefined }), 'text'))
expectError(transforms.seal('aes-128-gcm', key))
expectError(pool.run(transforms.open('chacha20-poly1305', key), 'text'))
expectType<Promise<string>>(pool.run(transforms.hashPassword({ algorithm: 'scrypt', cost: 15 }), 'password'))
expectType<Promise<boolean>>(pool.run(transforms.verifyPassword('$2b$'), 'password'))
expectType<Promise<Buffer>>(pool.run(transforms.pbkdf2('sha512', key, 1000, 64), key))

const schema = { type: 'object' } as const
expectType<Promise<Validation>>(pool.run(transforms.json.validate(schema), '{}'))
expectType<Promise<BatchValidation>>(pool.run(transforms.json.validateEach(true, { maxErrors: 3 }), '[]'))
expectType<Promise<number[]>>(pool.run(transforms.json.select<number>('$.a'), '{}'))
expectType<Promise<Buffer>>(pool.run(transforms.json.minify(), '{}'))
expectError(transforms.json.validate('{}'))
const packed = transforms.chain(transforms.gunzip(), transforms.json.validateEach(schema))
expectType<Promise<BatchValidation>>(pool.sink(packed).result)
expectError(pool.sink(transforms.json.validate(schema)).result.then((it: string) => it))

expectType<Promise<string>>(pool.sink(transforms.text.base64Encode()).result)
expectType<Promise<Buffer>>(pool.run(transforms.text.base64Decode(), 'Zm9v'))
expectType<Promise<{ start: number; end: number; groups: (string | null)[] }[]>>(
  pool.run(transforms.text.matches('a', { flags: 'i', limit: 9 }), 'text')
)
expectType<Promise<string>>(pool.run(transforms.text.replace('a', 'b'), 'text'))

expectType<Transform<Float64Array, Float64Array>>(transforms.numeric.sort<Float64Array>())
expectType<Promise<NumericStats>>(pool.run(transforms.numeric.stats({ quantiles: [0.5] }), new Int8Array(3)))
expectType<Promise<{ index: number; score: number }[]>>(
  pool.run(transforms.numeric.nearest(new Float32Array(3), { k: 1, dimensions: 3 }), new Float32Array(9))
)
expectError(transforms.numeric.histogram({}))
expectError(pool.run(transforms.numeric.stats(), [1, 2]))
