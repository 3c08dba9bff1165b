'use strict'

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { test } = require('node:test')
const { pool, transforms, move } = require('../..')

const identity = transforms.identity()
const storage = new AsyncLocalStorage()

test('every promise preserves the async context', async () => {
  const inContext = Array.from({ length: 50 }, (_, i) =>
    storage.run(i, async () => {
      await pool.run(identity, 'x')
      assert.equal(storage.getStore(), i)
      await pool.run(identity, Buffer.alloc(2 << 20))
      assert.equal(storage.getStore(), i)
      await pool.run(identity, move(Buffer.alloc(100_000)))
      assert.equal(storage.getStore(), i)
      await pool.map(identity, ['a', 'b'])
      assert.equal(storage.getStore(), i)
      await pool.ready()
      assert.equal(storage.getStore(), i)
      await pool.run(/** @type {any} */ (undefined), 'x').catch(() => {})
      assert.equal(storage.getStore(), i)
    })
  )
  await Promise.all(inContext)
})

test('inputs are read in the async context of the caller of map or iterate', async () => {
  /** @type {unknown[]} */
  const stores = []
  const inputs = (/** @type {number} */ length) => ({
    *[Symbol.iterator]() {
      for (let i = 0; i < length; i++) {
        stores.push(storage.getStore())
        yield 'x'
      }
    }
  })
  await storage.run('map', () => pool.map(identity, inputs(5000)))
  assert.deepEqual([stores.length, new Set(stores)], [5000, new Set(['map'])])
  stores.length = 0
  await storage.run('iterate', async () => {
    for await (const _ of pool.iterate(identity, inputs(500)));
  })
  assert.deepEqual([stores.length, new Set(stores)], [500, new Set(['iterate'])])
})
