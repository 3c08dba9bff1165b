'use strict'

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { Cache } = require('../..')
const { hitRatios } = require('../../benchmarks/hit-ratios.js')
const { names, readTrace, skip } = require('../support/cache-traces')
const { modelOf } = require('../support/eviction-models')

const SIZES = [100, 500, 1000]

/** Hits of an exact LRU with `SIZES` entries. @type {Record<string, number[]>} */
const LRU_HITS = {
  sprite: [28_917, 104_922, 121_452],
  multi1: [2881, 7375, 7648],
  multi3: [1978, 9875, 11_401],
  cs: [124, 124, 124],
  loop: [0, 0, 0],
  web07: [25_427, 34_693, 38_368]
}

/** Traces in which ids that are requested once, or in a large circle, displace those in use. */
const SCANS = ['multi1', 'multi3', 'cs', 'loop']

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`hits as often as an exact LRU, ${storage} storage`, { skip }, async () => {
    for (const name of names) {
      const ids = readTrace(name)
      for (const [index, max] of SIZES.entries()) {
        assert.equal(await hits(ids, { max, storage, policy: 'lru' }), LRU_HITS[name][index], `${name}, max ${max}`)
      }
    }
  })

  test(`hits as often as the model of S3-FIFO, ${storage} storage`, { skip }, async () => {
    for (const name of names) {
      const ids = readTrace(name)
      for (const max of SIZES) {
        assert.equal(
          await hits(ids, { max, storage, policy: 's3-fifo' }),
          modelHits(ids, max, 's3-fifo'),
          `${name}, max ${max}`
        )
      }
    }
  })
}

test('S3-FIFO hits hardly less often than LRU, and more often in traces with scans', { skip }, () => {
  for (const name of names) {
    const ids = readTrace(name)
    for (const max of [...SIZES, 2000, 4000]) {
      const gain = (modelHits(ids, max, 's3-fifo') - modelHits(ids, max, 'lru')) / ids.length
      assert.ok(gain >= -0.005, `${name}, max ${max}: ${gain}`)
      if (SCANS.includes(name) && SIZES.includes(max)) assert.ok(gain > 0.01, `${name}, max ${max}: ${gain}`)
    }
  }
})

test('the table of hit ratios in the documentation is that of the benchmark', { skip }, () => {
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'internals', 'eviction.md'), 'utf8')
  assert.ok(page.includes(`\n\n${hitRatios().join('\n')}\n\n`), 'run: node benchmarks/hit-ratios.js')
})

/**
 * Returns the number of hits if a cache loads each id that it does not hold.
 * @param {string[]} ids
 * @param {import('../..').CacheOptions<string, number>} options
 */
async function hits(ids, options) {
  let loads = 0
  const load = () => ++loads
  const cache = new Cache({ ...options, load, ...(options.storage === 'native' && { codec: 'json' }) })
  for (const [index, id] of ids.entries()) {
    const value = cache.get(id)
    // peek must not count as a use.
    if (index % 7 === 0) cache.peek(ids[index >> 1])
    if (index % 512 === 0) await value
  }
  const { hits } = cache.stats()
  assert.equal(hits, ids.length - loads)
  assert.ok(cache.size <= /** @type {number} */ (options.max))
  cache.close()
  return hits
}

/** @type {(ids: string[], max: number, policy: 'lru' | 's3-fifo') => number} */
function modelHits(ids, max, policy) {
  const model = modelOf(policy, { max, maxBytes: Infinity })
  let hits = 0
  for (const id of ids) {
    if (model.use(id)) hits++
    else {
      if (model.size === max) model.remove(model.victim(1, 0), true)
      model.insert(id, 0)
    }
  }
  return hits
}
