'use strict'

const assert = require('node:assert/strict')
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { gunzipSync } = require('node:zlib')
const { Cache } = require('../..')

const folder = join(__dirname, '..', '..', '..', 'shared', 'conformance', 'cache-traces')
const skip = !existsSync(folder) && 'missing traces: ../shared/conformance/cache-traces'

/** Hits of an exact LRU with 100, 500 and 1000 entries. @type {Record<string, number[]>} */
const HITS = {
  sprite: [28_917, 104_922, 121_452],
  multi1: [2881, 7375, 7648],
  multi3: [1978, 9875, 11_401],
  cs: [124, 124, 124],
  loop: [0, 0, 0],
  web07: [25_427, 34_693, 38_368]
}

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  test(`hits as often as an exact LRU, ${storage} storage`, { skip }, async () => {
    for (const [name, expected] of Object.entries(HITS)) {
      const lines = gunzipSync(readFileSync(join(folder, `${name}.trace.gz`)))
        .toString()
        .split('\n')
      const ids = lines.filter(line => line !== '' && !line.startsWith('*'))
      for (const [sizeIndex, max] of [100, 500, 1000].entries()) {
        let loads = 0
        const load = () => ++loads
        const cache = new Cache({ max, storage, load, ...(storage === 'native' && { codec: 'json' }) })
        for (const [index, id] of ids.entries()) {
          const value = cache.get(id)
          // peek must not count as a use.
          if (index % 7 === 0) cache.peek(ids[index >> 1])
          if (index % 512 === 0) await value
        }
        const { hits } = cache.stats()
        assert.deepEqual([hits, ids.length - loads], [expected[sizeIndex], expected[sizeIndex]], `${name}, max ${max}`)
        assert.ok(cache.size <= max)
        cache.close()
      }
    }
  })
}
