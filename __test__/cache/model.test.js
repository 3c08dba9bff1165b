'use strict'

// Runs random histories against a model that keeps its entries in a list.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const fc = require('fast-check')
const { Cache } = require('../..')
const { stopClock } = require('../support/clock')
const { deferred } = require('../support/deferred')

const MAX = 4
const TTL = 50

const id = fc.integer({ min: 0, max: 5 })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('get'), id, aborts: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('set'), id, ttl: fc.option(fc.integer({ min: 1, max: 90 })) })
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete'), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('resolve'), index: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reject'), index: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), millis: fc.integer({ min: 1, max: 30 }) }) }
)

/**
 * @typedef {{ id: number, value: number, until: number }} Entry
 * @typedef {{ id: number, gate: ReturnType<typeof deferred>, isCurrent: boolean, pending: Promise<any>[] }} Load
 */

/** Entries from the least to the most recently used, and loads in flight. */
class Model {
  /** @type {Entry[]} */
  entries = []
  /** @type {Load[]} */
  loads = []
  time = 0

  store(/** @type {number} */ id, /** @type {number} */ value, /** @type {number} */ ttl) {
    this.entries = this.entries.filter(entry => entry.id !== id)
    this.entries.push({ id, value, until: this.time + ttl })
    while (this.entries.length > MAX) {
      const expired = this.entries.filter(entry => entry.until <= this.time).sort((a, b) => a.until - b.until)
      this.entries.splice(expired.length > 0 ? this.entries.indexOf(expired[0]) : 0, 1)
    }
  }

  /** @param {number} id */
  fresh(id) {
    return this.entries.find(entry => entry.id === id && entry.until > this.time)
  }

  /** @param {number} id */
  drop(id) {
    this.entries = this.entries.filter(entry => entry.id !== id)
  }

  /** @param {(load: Load) => boolean} predicate */
  forget(predicate) {
    for (const load of this.loads) if (predicate(load)) load.isCurrent = false
  }
}

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`behaves like the model over random histories, ${storage}`, async () => {
    const clock = stopClock()
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 80 }), steps => replay(steps, clock, storage)),
        { numRuns: 150 }
      )
    } finally {
      clock.restore()
    }
  })
}

/**
 * @param {any[]} steps
 * @param {ReturnType<typeof stopClock>} clock
 * @param {'heap' | 'native'} storage
 */
async function replay(steps, clock, storage) {
  const cache = new Cache({ max: MAX, ttl: TTL, jitter: 0, storage })
  const model = new Model()
  let count = 0
  for (const step of steps) {
    count++
    // No two entries expire at the same time: the order of eviction would be unspecified.
    clock.advance(0.001)
    model.time += 0.001
    await apply(step, cache, model, count, clock)
    assert.deepEqual([cache.size, cache.stats().inFlight], [model.entries.length, model.loads.length])
  }
  const fresh = model.entries.filter(entry => entry.until > model.time).reverse()
  assert.deepEqual(
    [...cache.entries()],
    fresh.map(({ id, value }) => [id, value])
  )
  cache.close()
  for (const { pending } of model.loads) {
    for (const waits of pending) await assert.rejects(waits, { code: 'ERR_OFFLOOP_CLOSED' })
  }
}

/**
 * @param {any} step
 * @param {Cache<any, any>} cache
 * @param {Model} model
 * @param {number} count
 * @param {ReturnType<typeof stopClock>} clock
 */
async function apply(step, cache, model, count, clock) {
  const { id } = step
  if (step.kind === 'get') await get(cache, model, id, step.aborts)
  else if (step.kind === 'set') {
    cache.set(id, count, step.ttl === null ? undefined : { ttl: step.ttl })
    model.forget(load => load.id === id)
    model.store(id, count, step.ttl ?? TTL)
  } else if (step.kind === 'delete') {
    assert.equal(cache.delete(id), model.fresh(id) !== undefined)
    model.drop(id)
    model.forget(load => load.id === id)
  } else if (step.kind === 'clear') {
    cache.clear()
    model.entries = []
    model.forget(() => true)
  } else if (step.kind === 'wait') {
    clock.advance(step.millis)
    model.time += step.millis
  } else if (model.loads.length > 0) {
    const [load] = model.loads.splice(step.index % model.loads.length, 1)
    if (step.kind === 'resolve') {
      load.gate.resolve(count)
      for (const pending of load.pending) assert.equal(await pending, count)
      if (load.isCurrent) model.store(load.id, count, TTL)
    } else {
      load.gate.reject(new Error('down'))
      for (const pending of load.pending) await assert.rejects(pending, /down/)
    }
  }
}

/**
 * @param {Cache<any, any>} cache
 * @param {Model} model
 * @param {number} id
 * @param {boolean} aborts
 */
async function get(cache, model, id, aborts) {
  const controller = new AbortController()
  const own = deferred()
  const signal = aborts ? controller.signal : undefined
  const entry = model.fresh(id)
  const load = model.loads.find(load => load.id === id && load.isCurrent)
  const pending = cache.get(id, { load: () => own.promise, signal })
  if (entry !== undefined) {
    assert.equal(await pending, entry.value)
    model.entries = [...model.entries.filter(it => it !== entry), entry]
    return
  }
  model.drop(id)
  if (aborts) {
    controller.abort()
    await assert.rejects(pending, { name: 'AbortError' })
  } else if (load !== undefined) load.pending.push(pending)
  else model.loads.push({ id, gate: own, isCurrent: true, pending: [pending] })
}
