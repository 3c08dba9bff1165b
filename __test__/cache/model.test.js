'use strict'

// Random histories against a cache that is nothing but a list.

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
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('bring'), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail'), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass'), millis: fc.integer({ min: 1, max: 30 }) }) }
)

/**
 * @typedef {{ id: number, value: number, until: number }} Line
 * @typedef {{ id: number, gate: ReturnType<typeof deferred>, isCurrent: boolean, asked: Promise<any>[] }} Load
 */

/** Entries from the least to the most recently used, and loads under way. */
class Model {
  /** @type {Line[]} */
  lines = []
  /** @type {Load[]} */
  loads = []
  time = 0

  /** @param {number} id @param {number} value @param {number} ttl */
  store(id, value, ttl) {
    this.lines = this.lines.filter(line => line.id !== id)
    this.lines.push({ id, value, until: this.time + ttl })
    while (this.lines.length > MAX) {
      const gone = this.lines.filter(line => line.until <= this.time).sort((a, b) => a.until - b.until)
      this.lines.splice(gone.length > 0 ? this.lines.indexOf(gone[0]) : 0, 1)
    }
  }

  /** @param {number} id */
  fresh(id) {
    return this.lines.find(line => line.id === id && line.until > this.time)
  }

  /** @param {number} id */
  drop(id) {
    this.lines = this.lines.filter(line => line.id !== id)
  }

  /** @param {(load: Load) => boolean} which */
  forget(which) {
    for (const load of this.loads) if (which(load)) load.isCurrent = false
  }
}

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`random histories end as in the model, ${storage}`, async () => {
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
    // No two entries end at the same moment: in which order they go then is not promised.
    clock.advance(0.001)
    model.time += 0.001
    await take(step, cache, model, count, clock)
    assert.deepEqual([cache.size, cache.stats().inFlight], [model.lines.length, model.loads.length])
  }
  const fresh = model.lines.filter(line => line.until > model.time).reverse()
  assert.deepEqual(
    [...cache.entries()],
    fresh.map(({ id, value }) => [id, value])
  )
  cache.close()
  for (const { asked } of model.loads) {
    for (const waits of asked) await assert.rejects(waits, { code: 'ERR_OFFLOOP_CLOSED' })
  }
}

/**
 * @param {any} step
 * @param {Cache<any, any>} cache
 * @param {Model} model
 * @param {number} count
 * @param {ReturnType<typeof stopClock>} clock
 */
async function take(step, cache, model, count, clock) {
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
    model.lines = []
    model.forget(() => true)
  } else if (step.kind === 'pass') {
    clock.advance(step.millis)
    model.time += step.millis
  } else if (model.loads.length > 0) {
    const [load] = model.loads.splice(step.at % model.loads.length, 1)
    if (step.kind === 'bring') {
      load.gate.resolve(count)
      for (const asked of load.asked) assert.equal(await asked, count)
      if (load.isCurrent) model.store(load.id, count, TTL)
    } else {
      load.gate.reject(new Error('down'))
      for (const asked of load.asked) await assert.rejects(asked, /down/)
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
  const line = model.fresh(id)
  const load = model.loads.find(load => load.id === id && load.isCurrent)
  const asked = cache.get(id, () => own.promise, { signal })
  if (line !== undefined) {
    assert.equal(await asked, line.value)
    model.lines = [...model.lines.filter(it => it !== line), line]
    return
  }
  model.drop(id)
  if (aborts) {
    controller.abort()
    await assert.rejects(asked, { name: 'AbortError' })
  } else if (load !== undefined) load.asked.push(asked)
  else model.loads.push({ id, gate: own, isCurrent: true, asked: [asked] })
}
