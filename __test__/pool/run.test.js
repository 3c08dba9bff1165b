'use strict'

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const { test } = require('node:test')
const vm = require('node:vm')
const { Pool, pool, transforms, move, OffloopError } = require('../..')

const identity = transforms.identity()
const text = 'Größe: 42 €, 𝄞'
const utf8 = Buffer.from(text)

/** Every kind of input. @type {[string, any][]} */
const inputs = [
  ['a string', text],
  ['a Buffer', utf8],
  ['a Uint8Array', new Uint8Array(utf8)],
  ['a Uint8Array with an offset', new Uint8Array(Uint8Array.of(0, 0, 0, ...utf8, 0, 0).buffer, 3, utf8.length)],
  ['an ArrayBuffer', new Uint8Array(utf8).buffer],
  ['a DataView', new DataView(new Uint8Array(utf8).buffer)],
  ['a Uint16Array', new Uint16Array([1, 2, 3])],
  ['a Float64Array', new Float64Array([Math.PI])],
  ['a BigUint64Array', new BigUint64Array([1n])],
  ['a Buffer of another realm', vm.runInNewContext('new Uint8Array([1, 2, 3])')],
  ['a Latin-1 string', 'ÿ'.repeat(10)],
  ['an empty string', ''],
  ['an empty Buffer', Buffer.alloc(0)]
]

/** @param {any} input */
function bytesOf(input) {
  if (typeof input === 'string') return Buffer.from(input)
  if (ArrayBuffer.isView(input)) return Buffer.from(input.buffer, input.byteOffset, input.byteLength)
  return Buffer.from(input)
}

for (const [name, input] of inputs) {
  test(`accepts ${name}`, async () => {
    const output = await pool.run(identity, input)
    assert.ok(Buffer.isBuffer(output))
    assert.deepEqual(output, bytesOf(input))
  })
}

test('accepts shared memory', async () => {
  for (const size of [10, 100_000, 3_000_000]) {
    const shared = new Uint8Array(new SharedArrayBuffer(size)).fill(7)
    assert.deepEqual(await pool.run(identity, shared), Buffer.alloc(size, 7))
    assert.deepEqual(await pool.run(identity, shared.buffer), Buffer.alloc(size, 7))
  }
})

test('replaces lone surrogates by U+FFFD, like Buffer.from', async () => {
  for (const input of ['\ud800', 'a\udc00b', `${'x'.repeat(400_000)}\ud800`]) {
    assert.deepEqual(await pool.run(identity, input), Buffer.from(input))
  }
})

test('sizes around the thresholds between kinds of transfer', async () => {
  const sizes = [1, 47, 48, 49, 4095, 4096, 4097, 65_535, 65_536, 65_537, 1_048_575, 1_048_576, 1_048_577, 5_000_001]
  for (const size of sizes) {
    const input = Buffer.alloc(size, `${size}/`)
    assert.deepEqual(await pool.run(identity, input), input)
    assert.equal((await pool.run(identity, input.toString('latin1'))).length, size)
  }
})

test('large strings keep surrogate pairs across step boundaries', async () => {
  for (const lead of [0, 1]) {
    const input = 'x'.repeat(lead) + '𝄞'.repeat(600_000)
    assert.equal((await pool.run(identity, input)).toString(), input)
  }
})

test('results do not share memory', async () => {
  const outputs = await Promise.all(Array.from({ length: 100 }, (_, i) => pool.run(identity, Buffer.alloc(20, i))))
  for (const [i, output] of outputs.entries()) assert.deepEqual(output, Buffer.alloc(20, i))
})

test('rejects invalid arguments instead of throwing synchronously', async () => {
  /** @type {[any[], RegExp, string][]} */
  const invalid = [
    [[], /"transform" argument must be a transform/, 'ERR_INVALID_ARG_TYPE'],
    [[{ name: 'identity' }, 'x'], /"transform" argument must be a transform/, 'ERR_INVALID_ARG_TYPE'],
    [[identity], /"input" argument .* Received undefined/, 'ERR_INVALID_ARG_TYPE'],
    [[identity, 7], /"input" argument .* Received type number \(7\)/, 'ERR_INVALID_ARG_TYPE'],
    [[identity, { length: 3 }], /"input" argument .* an instance of Object/, 'ERR_INVALID_ARG_TYPE'],
    [[identity, null], /"input" argument .* Received null/, 'ERR_INVALID_ARG_TYPE'],
    [[identity, 'x', 'high'], /"options" argument must be of type object/, 'ERR_INVALID_ARG_TYPE'],
    [[identity, 'x', { priority: 'urgent' }], /'high', 'normal', 'low'. Received 'urgent'/, 'ERR_INVALID_ARG_VALUE'],
    [[identity, 'x', { signal: 'stop' }], /"options.signal" .* AbortSignal/, 'ERR_INVALID_ARG_TYPE']
  ]
  for (const [args, message, code] of invalid) {
    const promise = /** @type {any} */ (pool).run(...args)
    assert.ok(promise instanceof Promise)
    await assert.rejects(promise, error => {
      assert.ok(error instanceof TypeError)
      assert.match(error.message, message)
      assert.equal(/** @type {any} */ (error).code, code)
      return true
    })
  }
})

test('rejects a detached input with a TypeError', async () => {
  const bytes = new Uint8Array(100)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  for (const input of [bytes, move(bytes)]) {
    await assert.rejects(pool.run(identity, input), { name: 'TypeError', message: /must not be detached/ })
  }
})

test('throws for invalid options of a pool', () => {
  /** @type {[any, RegExp, any][]} */
  const invalid = [
    [7, /"options" argument must be of type object/, TypeError],
    [[], /"options" argument must be of type object. Received an instance of Array/, TypeError],
    [
      { threads: 0 },
      /"options.threads" is out of range. It must be an integer >= 1 && <= 1024. Received 0/,
      RangeError
    ],
    [{ threads: 1.5 }, /"options.threads"/, RangeError],
    [{ threads: '2' }, /"options.threads" property must be of type number/, TypeError],
    [{ maxQueue: -1 }, /"options.maxQueue"/, RangeError],
    [{ maxQueueBytes: Number.NaN }, /"options.maxQueueBytes"/, RangeError],
    [{ maxWait: 0 }, /"options.maxWait"/, RangeError],
    [{ name: 5 }, /"options.name" property must be of type string/, TypeError],
    [{ name: '' }, /must not be empty/, TypeError]
  ]
  for (const [options, message, type] of invalid) {
    assert.throws(
      () => new Pool(options),
      error => error instanceof type && message.test(/** @type {Error} */ (error).message)
    )
  }
})

test('chain runs its steps in order and rejects invalid steps', async () => {
  const hex = transforms.digest('sha256', { encoding: 'hex' })
  const twice = transforms.chain(transforms.digest('sha256'), hex)
  const expected = createHash('sha256').update(createHash('sha256').update('x').digest()).digest('hex')
  assert.equal(await pool.run(twice, 'x'), expected)
  assert.equal(await pool.run(transforms.chain(hex), 'x'), createHash('sha256').update('x').digest('hex'))
  assert.throws(() => /** @type {any} */ (transforms).chain(), TypeError)
  assert.throws(() => /** @type {any} */ (transforms).chain(hex, {}), TypeError)
})

test('transforms are frozen values', () => {
  assert.ok(Object.isFrozen(identity))
  assert.ok(Object.isFrozen(transforms))
  assert.equal(identity.name, 'identity')
  assert.equal(identity.streaming, true)
})

test('users can construct OffloopError', () => {
  const error = new OffloopError('ERR_OFFLOOP_CLOSED', 'closed', { transform: 'gzip', offset: 3 })
  assert.ok(error instanceof Error)
  assert.deepEqual(
    [error.name, error.code, error.message, error.transform, error.offset],
    ['OffloopError', 'ERR_OFFLOOP_CLOSED', 'closed', 'gzip', 3]
  )
  // The status comes from the details, even if the errors of the code have one.
  assert.equal(new OffloopError('ERR_OFFLOOP_INVALID_DATA', 'corrupt').statusCode, undefined)
  assert.equal(new OffloopError('ERR_OFFLOOP_INVALID_DATA', 'corrupt', { statusCode: 400 }).statusCode, 400)
})

test('the default pool has as many threads as the available parallelism', () => {
  assert.equal(pool.name, 'default')
  assert.equal(pool.threads, require('node:os').availableParallelism())
})

test('every method rejects unknown options', async () => {
  const pool = new Pool({ threads: 1 })
  const any = (/** @type {any} */ options) => options
  const unknown = (/** @type {RegExp} */ message) => ({ name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message })
  const identity = transforms.identity()
  await assert.rejects(pool.run(identity, 'x', any({ signl: 1 })), unknown(/'options\.signl' is unknown.*'signal'/))
  await assert.rejects(
    pool.run(identity, 'x', any(AbortSignal.abort())),
    unknown(/To pass a signal, write \{ signal \}/)
  )
  await assert.rejects(pool.map(identity, ['x'], any({ settled: true })), unknown(/'options\.settled'.*'settle'/))
  assert.throws(() => pool.iterate(identity, ['x'], any({ prority: 'high' })), unknown(/'options\.prority'/))
  assert.throws(
    () => /** @type {any} */ (pool).stats({ reset: true }),
    unknown(/'options\.reset'.*There are no options/)
  )
  assert.throws(() => pool.stream(identity, any({ concurrency: 1 })), unknown(/'options\.concurrency'/))
  assert.throws(() => pool.collect(identity, any({ settle: true })), unknown(/'options\.settle'/))
  await assert.rejects(/** @type {any} */ (pool).ready({ wait: true }), unknown(/'options\.wait'/))
  assert.throws(() => /** @type {any} */ (transforms.identity)({ x: 1 }), unknown(/There are no options/))
  await assert.rejects(pool.close(any({ forced: true })), unknown(/'options\.forced'/))
  assert.equal(String(await pool.run(identity, 'x', any({ signal: undefined, other: undefined }))), 'x')
  await pool.close()
})

test('a pool reads inherited options', async () => {
  class Options {
    get threads() {
      return 1
    }
  }
  for (const options of [new Options(), Object.create({ threads: 1 })]) {
    const pool = new Pool(options)
    assert.equal(pool.threads, 1)
    await pool.close()
  }
})

test('methods without options reject them', async () => {
  const { signal } = new AbortController()
  const rejected = {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: /'options\.signal' is unknown\. There are no/
  }
  /** @type {Record<string, (options: any) => unknown>} */
  const calls = {
    workerScript: async options => /** @type {any} */ (transforms).workerScript('./script.js', options)
  }
  for (const call of Object.values(calls)) {
    await assert.rejects(async () => call({ signal }), rejected)
    await assert.rejects(async () => call(signal), { code: 'ERR_INVALID_ARG_VALUE', message: /write \{ signal \}/ })
    await call({})
  }
})
