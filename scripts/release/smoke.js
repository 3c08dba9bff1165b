'use strict'

// Checks quickly that the addon in lib/native/ loads and works, for machines on which all tests would be too slow.

const assert = require('node:assert/strict')
const { Cache, Pool, transforms } = require('../../index.js')
const { start } = require('../lib/process.js')

start(async () => {
  const pool = new Pool({ threads: 2 })
  const { gzip, gunzip, digest, json, seal, open, worker } = transforms
  assert.equal(
    await pool.run(digest('sha256', { encoding: 'hex' }), 'abc'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  )
  assert.equal(String(await pool.run(transforms.chain(gzip(), gunzip()), 'text')), 'text')
  const records = Array.from({ length: 50_000 }, (_, id) => ({ id, name: `é ${id}` }))
  assert.deepEqual(await pool.run(json.parse(), await pool.run(json.stringify(), records)), records)
  const key = new Uint8Array(32)
  assert.equal(
    String(await pool.run(open('aes-256-gcm', key), await pool.run(seal('aes-256-gcm', key), 'secret'))),
    'secret'
  )
  const dirname = worker('node:path', { export: 'dirname' })
  assert.deepEqual(await pool.map(dirname, ['/a/b', '/c']), ['/a', '/'])
  const cache = new Cache({ max: 10, storage: 'native', load: async (/** @type {string} */ id) => ({ id }) })
  assert.deepEqual(await Promise.all([cache.get('a'), cache.get('a')]), [{ id: 'a' }, { id: 'a' }])
  assert.equal(cache.stats().loads, 1)
  cache.close()
  await pool.close()
  console.log('works')
})
