'use strict'

// The writer does not recurse, so only its limits stop an endless value.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')
const fc = require('fast-check')
const { OffloopError, Pool, pool, transforms } = require('../..')
const { node } = require('../support/child.js')

const { json } = transforms
const DEEPEST = 5000

const nested = (/** @type {number} */ depth, /** @type {unknown} */ leaf = 1) => {
  let value = leaf
  for (let level = 0; level < depth; level++) value = level % 2 ? [0, value] : { a: value, b: 0 }
  return value
}

test('rejects endless values in little memory', async () => {
  const { code, stdout, stderr } = await node([
    '--max-old-space-size=96',
    '--max-semi-space-size=4',
    join(__dirname, '../fixtures/infinite-json.js')
  ])
  assert.equal(code, 0, stderr)
  const { outcomes, grown, queuedBytes, deep } = JSON.parse(stdout)
  assert.ok(outcomes.length > 20)
  for (const { name, verb, code, message, transform } of outcomes) {
    const label = `${name}, ${verb}: ${message}`
    assert.equal(code, deep.includes(name) ? 'ERR_OFFLOOP_INVALID_DATA' : 'ERR_OFFLOOP_OUTPUT_LIMIT', label)
    assert.match(message, /(5000 levels|\d bytes).* at input[.[]/, label)
    assert.ok(message.length < 300, label)
    assert.equal(transform, 'json.stringify', label)
  }
  assert.ok(grown <= 64 << 20, `memory grew by ${grown} bytes`)
  assert.equal(queuedBytes, 0)
})

test('rejects a value that is nested too deeply, with the path', async () => {
  const write = json.stringify({ maxDepth: 4 })
  const value = { a: [1, { 'b c': { d: 1 } }], long: [[[['x'.repeat(70_000)]]]] }
  assert.equal(String(await pool.run(write, value.a)), JSON.stringify(value.a))
  await assert.rejects(pool.run(write, { of: value }), error => {
    assert.ok(error instanceof OffloopError)
    assert.equal(error.code, 'ERR_OFFLOOP_INVALID_DATA')
    assert.equal(error.transform, 'json.stringify')
    assert.equal(error.message, 'The value is nested deeper than 4 levels (options.maxDepth) at input.of.a[1]["b c"]')
    return true
  })
  const long = { ['k'.repeat(1e6)]: { '\ud800': nested(4) } }
  await assert.rejects(pool.run(write, long), (/** @type {any} */ error) => {
    assert.match(error.message, /at input\["k{32}…"\]\["\\ud800"\]\[1\]\.a$/)
    return true
  })
})

test('counts levels like json.parse', async () => {
  /** @type {fc.Memo<unknown>} */
  const value = fc.memo(depth =>
    depth <= 1
      ? fc.constantFrom(1, 'x', null, new Date(0), Object('x'), undefined, () => {})
      : fc.oneof(
          fc.array(value(depth - 1), { maxLength: 3 }),
          fc.dictionary(fc.string(), value(depth - 1), { maxKeys: 3 }),
          value(depth - 1).map(it => ({ toJSON: () => it })),
          value(1)
        )
  )
  await fc.assert(
    fc.asyncProperty(value(6), fc.integer({ min: 1, max: 6 }), fc.boolean(), async (value, maxDepth, isLarge) => {
      const all = isLarge ? [value, 'x'.repeat(70_000)] : [value]
      const text = JSON.stringify(all)
      const isAccepted = await pool.run(json.parse({ maxDepth }), text).then(
        () => true,
        () => false
      )
      const written = pool.run(json.stringify({ maxDepth }), all)
      if (isAccepted) assert.equal(String(await written), text)
      else await assert.rejects(written, { code: 'ERR_OFFLOOP_INVALID_DATA' })
    }),
    { numRuns: 300 }
  )
})

test('writes more levels than JSON.stringify can, and more with maxDepth', async () => {
  assert.equal((await pool.run(json.stringify(), nested(DEEPEST))).length > DEEPEST, true)
  await assert.rejects(pool.run(json.stringify(), nested(DEEPEST + 1)), { code: 'ERR_OFFLOOP_INVALID_DATA' })
  const deep = nested(100_000)
  const text = await pool.run(json.stringify({ maxDepth: 100_000 }), deep)
  assert.ok(text.equals(await pool.run(transforms.chain(json.parse(), json.stringify({ maxDepth: 1e6 })), text)))
})

test('limits the output, by default to the limit of the pool', async t => {
  const write = (/** @type {number} */ maxOutput) => json.stringify({ maxOutput })
  for (const value of [
    'é'.repeat(100),
    ['é'.repeat(100_000), 1],
    Array.from({ length: 50_000 }, (_, id) => ({ id }))
  ]) {
    const length = Buffer.byteLength(JSON.stringify(value))
    assert.equal((await pool.run(write(length), value)).length, length)
    await assert.rejects(pool.run(write(length - 1), value), {
      code: 'ERR_OFFLOOP_OUTPUT_LIMIT',
      transform: 'json.stringify',
      message: /exceeds the limit of \d+ bytes at input/
    })
  }
  const own = new Pool({ threads: 1, maxQueueBytes: 1000 })
  t.after(() => own.close())
  const large = new Array(3e6).fill('four')
  await assert.rejects(own.run(json.stringify(), large), { code: 'ERR_OFFLOOP_OUTPUT_LIMIT', message: /16777216/ })
  assert.equal(own.stats().queuedBytes, 0)
  assert.equal((await own.run(write(1 << 30), large)).length, 21_000_001)
  assert.equal((await pool.run(json.stringify(), large)).length, 21_000_001)
})

test('writes a list proxy with an odd length like JSON.stringify', async () => {
  const list = (/** @type {unknown} */ length) =>
    new Proxy([], {
      get: (_, key) => (key === 'length' ? length : key === '0' ? 'x'.repeat(70_000) : undefined)
    })
  for (const length of [Number.NaN, -1, 1.9, '2', null, undefined, {}, true, Number.NEGATIVE_INFINITY]) {
    const expected = JSON.stringify([list(length)])
    assert.equal(
      String(await pool.run(json.stringify(), [list(length), 'x'.repeat(70_000)])).slice(0, -70_004),
      expected.slice(0, -1)
    )
  }
  for (const length of [1n, Symbol('x')])
    await assert.rejects(pool.run(json.stringify(), list(length)), { name: 'TypeError' })
})

test('yields to the event loop while it reads slow values', async () => {
  let turns = 0
  let isWritten = false
  const count = () => {
    turns++
    if (!isWritten) setImmediate(count)
  }
  setImmediate(count)
  const skipped = { toJSON() {} }
  let reads = 0
  const slow = {
    get it() {
      reads++
      const end = performance.now() + 0.02
      while (performance.now() < end);
      return ''
    }
  }
  await pool.run(json.stringify(), [
    Object.fromEntries(Array.from({ length: 300 }, (_, index) => [index, [slow, skipped, slow]]))
  ])
  isWritten = true
  assert.ok(reads >= 600, `${reads} reads`)
  assert.ok(turns > 4, `${turns} event-loop iterations`)
})

test('validates limits when the transform is created', () => {
  for (const option of ['maxDepth', 'maxOutput']) {
    for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => json.stringify({ [option]: bad }), {
        name: 'RangeError',
        code: 'ERR_OUT_OF_RANGE',
        message: new RegExp(option)
      })
    }
    assert.throws(() => json.stringify(/** @type {any} */ ({ [option]: '1' })), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  assert.throws(() => json.stringify({ maxDepth: 2 ** 32 }), { code: 'ERR_OUT_OF_RANGE' })
})
