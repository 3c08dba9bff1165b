'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const fc = require('fast-check')
const { Cache } = require('../..')
const { stopClock } = require('../support/clock')
const { modelOf } = require('../support/eviction-models')

const id = fc.integer({ min: 0, max: 30 })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('use'), id }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set'), id, weight: fc.integer({ min: 0, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete'), id }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('resize'),
      max: fc.integer({ min: 1, max: 16 }),
      maxBytes: fc.integer({ min: 50, max: 300 })
    })
  }
)

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  for (const policy of /** @type {const} */ (['lru', 's3-fifo'])) {
    test(`keeps the bounds and the order of the model, ${storage}, ${policy}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 200 }), steps => replay(steps, storage, policy)),
        { numRuns: 150 }
      )
    })
  }

  test(`S3-FIFO keeps the ids in use during a scan, ${storage}`, async () => {
    const cache = new Cache({ max: 100, storage, policy: 's3-fifo', load: id => `value of ${id}` })
    const inUse = Array.from({ length: 50 }, (_, index) => `used ${index}`)
    for (let round = 0; round < 4; round++) for (const id of inUse) await cache.get(id)
    for (let index = 0; index < 1000; index++) await cache.get(`scanned ${index}`)
    assert.deepEqual([inUse.every(id => cache.has(id)), cache.size], [true, 100])
  })

  test(`S3-FIFO keeps an entry in its queue when it is replaced or expires, ${storage}`, () => {
    const clock = stopClock()
    try {
      const cache = new Cache({ max: 4, storage, policy: 's3-fifo' })
      const keys = () => [...cache.keys()].join('')
      for (const id of 'abcd') cache.set(id, 1)
      assert.equal(keys(), 'cbad')
      cache.set('b', 2)
      assert.equal(keys(), 'bcad')
      cache.set('c', 2, { ttl: 10 })
      clock.advance(10)
      assert.equal(cache.has('c'), false)
      cache.set('e', 1)
      assert.equal(keys(), 'dbae')
      cache.delete('e')
      cache.set('c', 3)
      assert.equal(keys(), 'cdba')
      cache.close()
    } finally {
      clock.restore()
    }
  })

  test(`S3-FIFO forgets ids when entries are deleted, ${storage}`, () => {
    /** @type {Cache<number, number>} */
    const cache = new Cache({ max: 8, storage, policy: 's3-fifo' })
    for (let id = 0; id < 16; id++) cache.set(id, 1)
    assert.deepEqual([...cache.keys()], [5, 4, 3, 2, 1, 0, 15, 14])
    for (const id of [...cache.keys()]) cache.delete(id)
    for (let id = 6; id < 14; id++) cache.set(id, 1)
    // Only 13, which was evicted last, is remembered and begins in the main queue.
    assert.deepEqual([...cache.keys()], [13, 10, 9, 8, 7, 6, 12, 11])
    cache.close()
  })

  test(`S3-FIFO remembers nothing after clear, ${storage}`, () => {
    const cache = new Cache({ max: 4, storage, policy: 's3-fifo' })
    for (const id of 'abcde') cache.set(id, 1)
    assert.equal(cache.has('d'), false)
    cache.clear()
    for (const id of 'abcd') cache.set(id, 1)
    assert.deepEqual([...cache.keys()], ['c', 'b', 'a', 'd'])
  })
}

/**
 * @param {any[]} steps
 * @param {'heap' | 'native'} storage
 * @param {'lru' | 's3-fifo'} policy
 */
function replay(steps, storage, policy) {
  const limits = { max: 12, maxBytes: 200 }
  const cache = new Cache({ ...limits, storage, policy, weigh: value => Number(value) })
  const model = modelOf(policy, limits)
  const makeRoom = (/** @type {number} */ entries, /** @type {number} */ weight) => {
    while (model.size + entries > limits.max || model.bytes + weight > limits.maxBytes)
      model.remove(model.victim(entries, weight), true)
  }
  for (const step of steps) {
    if (step.kind === 'use') {
      assert.equal(cache.has(step.id), model.use(step.id))
      if (cache.has(step.id)) cache.get(step.id)
    } else if (step.kind === 'set') {
      cache.set(step.id, step.weight)
      const weight = Math.max(1, step.weight)
      const replaced = model.remove(step.id, false)
      if (weight <= limits.maxBytes) {
        makeRoom(1, weight)
        model.insert(step.id, weight, replaced)
      }
      assert.equal(cache.has(step.id), weight <= limits.maxBytes)
    } else if (step.kind === 'delete') {
      assert.equal(cache.delete(step.id), model.remove(step.id, false) !== undefined)
    } else {
      const { max, maxBytes } = step
      cache.resize({ max, maxBytes })
      Object.assign(limits, { max, maxBytes })
      makeRoom(0, 0)
    }
    assert.ok(cache.size <= limits.max && cache.bytes <= limits.maxBytes)
    assert.deepEqual([cache.size, cache.bytes], [model.size, model.bytes])
  }
  assert.deepEqual([...cache.keys()], model.ids())
  cache.close()
}
