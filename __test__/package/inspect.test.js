'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { inspect } = require('node:util')
const { Cache, Pool, transforms } = require('../..')

test('util.inspect shows the state of a pool', async () => {
  const pool = new Pool({ name: 'images', threads: 2 })
  assert.equal(inspect(pool), "Pool { name: 'images', threads: 2, running: 0, queued: 0 }")
  await pool.close()
  assert.equal(inspect(pool), "Pool { name: 'images', closed: true }")
  const nameless = new Pool({ threads: 1 })
  assert.equal(inspect({ nameless }), '{ nameless: Pool { threads: 1, running: 0, queued: 0 } }')
  await nameless.close()
})

test('util.inspect shows the size of a cache', () => {
  const cache = new Cache({ max: 10, storage: 'native', codec: 'bytes' })
  cache.set('a', Buffer.from('four'))
  const { bytes } = cache
  assert.equal(inspect(cache), `Cache { size: 1, bytes: ${bytes} }`)
  cache.close()
  assert.equal(inspect(cache), 'Cache { closed: true }')
})

test('util.inspect shows the name of a transform, and does not throw for a prototype', () => {
  assert.match(inspect(transforms.gzip()), /name: 'gzip'/)
  assert.match(inspect(transforms.worker('./resize.js')), /name: 'worker'/)
  for (const Class of [Pool, Cache]) inspect(Class.prototype)
})
