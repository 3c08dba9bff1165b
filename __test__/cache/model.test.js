'use strict'

// Runs random histories against a model, in both storages and with both policies.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const fc = require('fast-check')
const { Cache } = require('../..')
const { stopClock } = require('../support/clock')
const { deferred } = require('../support/deferred')
const { modelOf } = require('../support/eviction-models')

const MAX = 6
const LIMITS = { max: MAX, maxBytes: Infinity }
const TTL = 50

const id = fc.integer({ min: 0, max: 9 })
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

/** Entries in the order of a policy, and loads in flight. */
class Model {
  /** @type {Map<number, Entry>} */
  entries = new Map()
  order
  /** @type {Load[]} */
  loads = []
  time = 0

  /** @param {'lru' | 's3-fifo'} policy */
  constructor(policy) {
    this.policy = policy
    this.order = modelOf(policy, LIMITS)
  }

  store(/** @type {number} */ id, /** @type {number} */ value, /** @type {number} */ ttl) {
    const replaced = this.order.remove(id, false)
    this.entries.delete(id)
    while (this.entries.size >= MAX) {
      const expired = [...this.entries.values()]
        .filter(entry => entry.until <= this.time)
        .sort((a, b) => a.until - b.until)
      this.drop(expired.length > 0 ? expired[0].id : this.order.victim(1, 0), true)
    }
    this.order.insert(id, 0, replaced)
    this.entries.set(id, { id, value, until: this.time + ttl })
  }

  /** @param {number} id */
  fresh(id) {
    const entry = this.entries.get(id)
    return entry !== undefined && entry.until > this.time ? entry : undefined
  }

  /** @type {(id: number, isRemembered: boolean) => void} */
  drop(id, isRemembered) {
    this.order.remove(id, isRemembered)
    this.entries.delete(id)
  }

  clear() {
    this.order = modelOf(this.policy, LIMITS)
    this.entries.clear()
  }

  /** @param {(load: Load) => boolean} predicate */
  forget(predicate) {
    for (const load of this.loads) if (predicate(load)) load.isCurrent = false
  }
}

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  for (const policy of /** @type {const} */ (['lru', 's3-fifo'])) {
    test(`behaves like the model over random histories, ${storage}, ${policy}`, async () => {
      const clock = stopClock()
      try {
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 120 }), steps => replay(steps, clock, storage, policy)),
          { numRuns: 150 }
        )
      } finally {
        clock.restore()
      }
    })
  }
}

/**
 * @param {any[]} steps
 * @param {ReturnType<typeof stopClock>} clock
 * @param {'heap' | 'native'} storage
 * @param {'lru' | 's3-fifo'} policy
 */
async function replay(steps, clock, storage, policy) {
  const cache = new Cache({ max: MAX, ttl: TTL, jitter: 0, storage, policy })
  const model = new Model(policy)
  let count = 0
  for (const step of steps) {
    count++
    // No two entries expire at the same time: the order of eviction would be unspecified.
    clock.advance(0.001)
    model.time += 0.001
    await apply(step, cache, model, count, clock)
    assert.deepEqual([cache.size, cache.stats().inFlight], [model.entries.size, model.loads.length])
  }
  const fresh = model.order.ids().flatMap(id => model.fresh(id) ?? [])
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
    const isFresh = model.fresh(id) !== undefined
    assert.equal(cache.delete(id), isFresh)
    model.drop(id, !isFresh)
    model.forget(load => load.id === id)
  } else if (step.kind === 'clear') {
    cache.clear()
    model.clear()
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
    model.order.use(id)
    return
  }
  model.drop(id, true)
  if (aborts) {
    controller.abort()
    await assert.rejects(pending, { name: 'AbortError' })
  } else if (load !== undefined) load.pending.push(pending)
  else model.loads.push({ id, gate: own, isCurrent: true, pending: [pending] })
}
