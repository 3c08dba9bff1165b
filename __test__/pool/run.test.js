'use strict'

const assert = require('node:assert/strict')
const { createHash } = require('node:crypto')
const { test } = require('node:test')
const vm = require('node:vm')
const { Cache, Pool, pool, transforms, move, OffloopError } = require('../..')

const identity = transforms.identity()
const text = 'Größe: 42 €, 𝄞'
const utf8 = Buffer.from(text)

/** Every dress that bytes can wear. @type {[string, any][]} */
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
  ['a string of another encoding in memory', 'ÿ'.repeat(10)],
  ['nothing', ''],
  ['no bytes', Buffer.alloc(0)]
]

/** @param {any} input */
function bytesOf(input) {
  if (typeof input === 'string') return Buffer.from(input)
  if (ArrayBuffer.isView(input)) return Buffer.from(input.buffer, input.byteOffset, input.byteLength)
  return Buffer.from(input)
}

for (const [name, input] of inputs) {
  test(`takes ${name}`, async () => {
    const output = await pool.run(identity, input)
    assert.ok(Buffer.isBuffer(output))
    assert.deepEqual(output, bytesOf(input))
  })
}

test('takes a view of shared memory', async () => {
  for (const size of [10, 100_000, 3_000_000]) {
    const shared = new Uint8Array(new SharedArrayBuffer(size)).fill(7)
    assert.deepEqual(await pool.run(identity, shared), Buffer.alloc(size, 7))
    assert.deepEqual(await pool.run(identity, shared.buffer), Buffer.alloc(size, 7))
  }
})

test('lone surrogates become U+FFFD, as in Buffer.from', async () => {
  for (const input of ['\ud800', 'a\udc00b', `${'x'.repeat(400_000)}\ud800`]) {
    assert.deepEqual(await pool.run(identity, input), Buffer.from(input))
  }
})

test('every size around the borders between the ways in and out', async () => {
  const sizes = [1, 47, 48, 49, 4095, 4096, 4097, 65_535, 65_536, 65_537, 1_048_575, 1_048_576, 1_048_577, 5_000_001]
  for (const size of sizes) {
    const input = Buffer.alloc(size, `${size}/`)
    assert.deepEqual(await pool.run(identity, input), input)
    assert.equal((await pool.run(identity, input.toString('latin1'))).length, size)
  }
})

test('large strings keep their pairs of surrogates, wherever they are cut', async () => {
  for (const lead of [0, 1]) {
    const input = 'x'.repeat(lead) + '𝄞'.repeat(600_000)
    assert.equal((await pool.run(identity, input)).toString(), input)
  }
})

test('results are Buffers of their own', async () => {
  const outputs = await Promise.all(Array.from({ length: 100 }, (_, i) => pool.run(identity, Buffer.alloc(20, i))))
  for (const [i, output] of outputs.entries()) assert.deepEqual(output, Buffer.alloc(20, i))
})

test('bad arguments reject, and never throw synchronously', async () => {
  /** @type {[any[], RegExp, string][]} */
  const bad = [
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
  for (const [args, message, code] of bad) {
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

test('a detached input is a TypeError, not an empty one', async () => {
  const bytes = new Uint8Array(100)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  for (const input of [bytes, move(bytes)]) {
    await assert.rejects(pool.run(identity, input), { name: 'TypeError', message: /must not be detached/ })
  }
})

test('bad options of a pool throw', () => {
  /** @type {[any, RegExp, any][]} */
  const bad = [
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
  for (const [options, message, type] of bad) {
    assert.throws(
      () => new Pool(options),
      error => error instanceof type && message.test(/** @type {Error} */ (error).message)
    )
  }
})

test('chain runs its steps in one trip and names the one that fails', async () => {
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

test('the error class can be told apart and made by users', () => {
  const error = new OffloopError('ERR_OFFLOOP_CLOSED', 'over', { transform: 'gzip', offset: 3 })
  assert.ok(error instanceof Error)
  assert.deepEqual(
    [error.name, error.code, error.message, error.transform, error.offset],
    ['OffloopError', 'ERR_OFFLOOP_CLOSED', 'over', 'gzip', 3]
  )
})

test('the default pool has the threads that the process may use', () => {
  assert.equal(pool.name, 'default')
  assert.equal(pool.threads, require('node:os').availableParallelism())
})

test('options that are not known are refused by every verb', async () => {
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
  assert.throws(() => pool.stats(any({ rest: true })), unknown(/'options\.rest'/))
  assert.throws(() => /** @type {any} */ (transforms.identity)({ x: 1 }), unknown(/There are no options/))
  await assert.rejects(pool.close(any({ forced: true })), unknown(/'options\.forced'/))
  assert.equal(String(await pool.run(identity, 'x', any({ signal: undefined, other: undefined }))), 'x')
  await pool.close()
})

test('methods without options refuse them', async () => {
  const cache = new Cache({ max: 3, load: async id => id })
  const { signal } = new AbortController()
  const refused = {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: /'options\.signal' is unknown\. There are no/
  }
  /** @type {Record<string, (options: any) => unknown>} */
  const calls = {
    ready: options => /** @type {any} */ (pool).ready(options),
    getMany: options => /** @type {any} */ (cache).getMany(['a'], undefined, options),
    refresh: options => /** @type {any} */ (cache).refresh('a', options),
    workerScript: async options => /** @type {any} */ (transforms).workerScript('./script.js', options)
  }
  for (const call of Object.values(calls)) {
    await assert.rejects(async () => call({ signal }), refused)
    await assert.rejects(async () => call(signal), { code: 'ERR_INVALID_ARG_VALUE', message: /write \{ signal \}/ })
    await call({})
  }
  // A method used as a callback gets such arguments.
  await Promise.all(['a', 'b'].map(cache.refresh, cache))
  cache.close()
})
