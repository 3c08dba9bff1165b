'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, transforms } = require('../..')
const { stateOf } = require('../../lib/pool')
const { BatchTask, PackedInputs } = require('../../lib/pool/bulk/batch')
const { NO_RESERVATION } = require('../../lib/native/reservation')

test('a stopped call does not cancel the task that got the id of a batch that has run', async () => {
  const pool = new Pool({ threads: 1 })
  const transform = /** @type {any} */ (transforms.identity())
  /** @type {(result: Promise<unknown>) => void} */
  let stopped = () => {}
  const other = new Promise(resolve => {
    stopped = resolve
  })
  const call = {
    pool: stateOf(/** @type {any} */ (pool)),
    transform,
    priority: 1,
    caller: {},
    // Its results may settle in a later iteration of the event loop.
    addTiming: () => {
      const result = pool.run(transforms.digest('sha256'), Buffer.alloc(1 << 20))
      batch.cancel()
      stopped(result)
    },
    result: () => {},
    unitSettled: () => {}
  }
  const packed = PackedInputs.acquire(0)
  packed.add(Buffer.from('x'))
  const batch = new BatchTask(/** @type {any} */ (call), packed)
  assert.equal(batch.submit(NO_RESERVATION), null)
  assert.equal(/** @type {Buffer} */ (await other).length, 32)
  await pool.close()
})
