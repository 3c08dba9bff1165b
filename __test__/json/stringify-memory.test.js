'use strict'

// Values created by getters, proxies and toJSON stay in memory until they are written: the memory of their levels is bounded.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')
const { pool, transforms } = require('../..')
const { node } = require('../support/child.js')

const { json } = transforms

/** @param {unknown} value */
const expected = value => /** @type {string} */ (JSON.stringify(value))

for (const length of [5000, 20_000, 100_000]) {
  test(`rejects endless levels of ${length} elements in little memory`, async () => {
    const { code, stdout, stderr } = await node([
      // The process crashes if it retains more. Longer lists leave more garbage.
      `--max-old-space-size=${length <= 20_000 ? 64 : 128}`,
      '--max-semi-space-size=4',
      join(__dirname, '../fixtures/infinite-json-heavy.js'),
      String(length)
    ])
    assert.equal(code, 0, stderr.slice(0, 2000))
    const { outcomes, grown, queuedBytes } = JSON.parse(stdout)
    assert.ok(outcomes.length > 50)
    for (const { name, verb, code, message, transform } of outcomes) {
      const label = `${name}, ${verb}: ${message}`
      assert.equal(code, 'ERR_OFFLOOP_INVALID_DATA', label)
      assert.match(message, /(5000 levels|more than 8388608 bytes) .*at input[.[]/, label)
      assert.ok(message.length < 700, label)
      assert.equal(transform, 'json.stringify', label)
    }
    if (length <= 20_000) assert.ok(grown <= 128 << 20, `memory grew by ${grown} bytes`)
    assert.equal(queuedBytes, 0)
  })
}

test('writes a few heavy levels, and many light ones', async () => {
  const list = new Array(300_000).fill(7)
  const level = (/** @type {number} */ depth, /** @type {unknown} */ pad) => ({
    toJSON: () => (depth === 0 ? 'end' : { pad, child: level(depth - 1, pad), more: pad })
  })
  for (const value of [level(12, list), level(1000, [1]), { a: level(3, list), b: level(3, list) }]) {
    assert.equal(String(await pool.run(json.stringify(), value)), expected(value))
  }
})

test('does not limit heavy levels that exist before the write', async () => {
  const pad = new Array(200_000).fill(7)
  /** @type {unknown} */
  let value = 1
  for (let depth = 0; depth < 60; depth++) value = depth % 2 ? { value, pad } : [pad, value]
  assert.equal(String(await pool.run(json.stringify(), value)), expected(value))
})

test('retains more if maxOutput allows more text', async () => {
  const pad = new Array(200_000).fill(7)
  const level = (/** @type {number} */ depth) => ({
    toJSON: () => (depth === 0 ? 1 : { child: level(depth - 1), pad })
  })
  const value = level(40)
  await assert.rejects(pool.run(json.stringify(), value), {
    code: 'ERR_OFFLOOP_INVALID_DATA',
    message: /nested too deeply.*8388608 bytes at input\.child.*options\.maxOutput/
  })
  assert.equal(String(await pool.run(json.stringify({ maxOutput: 1 << 27 }), value)), expected(value))
})

test('releases the memory of a level when the level ends', async () => {
  const pad = new Array(100_000).fill(7)
  const level = (/** @type {number} */ depth) => ({
    toJSON: () => (depth === 0 ? 1 : { child: level(depth - 1), pad })
  })
  const value = Array.from({ length: 8 }, () => level(15))
  assert.equal(String(await pool.run(json.stringify(), value)), expected(value))
})

test('rejects a list that cannot fit after few reads', async () => {
  let reads = 0
  const list = (/** @type {() => unknown} */ make) =>
    new Proxy([], {
      get: (_, key) => {
        if (key === 'toJSON') return undefined
        if (key === 'length') return 2 ** 40
        reads++
        return make()
      }
    })
  /** @type {(() => unknown)[]} */
  const factories = [() => 1, () => undefined, () => 'x'.repeat(1 << 20), () => ({ a: [1] }), () => list(() => 1)]
  for (const make of factories) {
    reads = 0
    await assert.rejects(pool.run(json.stringify(), list(make)), {
      code: 'ERR_OFFLOOP_OUTPUT_LIMIT',
      message: /exceeds the limit of \d+ bytes at input\[/
    })
    assert.ok(reads < 1e6, `${reads} reads`)
  }
})

test('writes a list that just fits', async () => {
  for (const element of [1, undefined, 'x'.repeat(70_000)]) {
    for (const value of [new Array(200_000).fill(1), [new Array(50_000).fill(1), element, [element, 2]]]) {
      const text = expected(value)
      const write = (/** @type {number} */ maxOutput) => json.stringify({ maxOutput })
      assert.equal(String(await pool.run(write(text.length), value)), text)
      await assert.rejects(pool.run(write(text.length - 1), value), { code: 'ERR_OFFLOOP_OUTPUT_LIMIT' })
    }
  }
})

/** Returns an endless object, each level of which a getter creates, and the number of levels created. */
function countedLevels() {
  let created = 0
  const level = () => {
    created++
    return {
      get child() {
        return level()
      }
    }
  }
  return { level, count: () => created }
}

test('follows few getters to find out whether a value is small', async () => {
  const { level, count } = countedLevels()
  await assert.rejects(pool.run(json.stringify({ maxDepth: 50 }), level()), { code: 'ERR_OFFLOOP_INVALID_DATA' })
  assert.ok(count() < 50 * 8, `${count()} levels were created`)
})

test('follows few getters below plain levels', async () => {
  const { level, count } = countedLevels()
  /** @type {unknown} */
  let value = level()
  for (let depth = 0; depth < 10; depth++) value = { value }
  await assert.rejects(pool.run(json.stringify({ maxDepth: 1000 }), value), { code: 'ERR_OFFLOOP_INVALID_DATA' })
  assert.ok(count() < 1000 * 12, `${count()} levels were created`)
})
