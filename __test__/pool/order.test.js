'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, transforms, occupy } = require('../support/fault-addon')

const identity = transforms.identity()

/**
 * Returns the labels in the order in which queued tasks finish on one thread.
 * @param {{ label: string, priority?: 'high' | 'normal' | 'low', size?: number }[]} tasks
 */
async function orderOf(tasks) {
  const pool = new Pool({ threads: 1, maxQueue: 10_000 })
  const { release } = occupy(pool)
  /** @type {string[]} */
  const order = []
  const done = tasks.map(({ label, priority, size = 1 }) =>
    pool.run(identity, Buffer.alloc(size), { priority }).then(() => order.push(label))
  )
  await release()
  await Promise.all(done)
  await pool.close()
  return order
}

test('first in, first out within a priority', async () => {
  const labels = Array.from({ length: 2000 }, (_, i) => `${i}`)
  assert.deepEqual(await orderOf(labels.map(label => ({ label }))), labels)
})

test('high before normal before low', async () => {
  const order = await orderOf([
    { label: 'low', priority: 'low' },
    { label: 'normal' },
    { label: 'high', priority: 'high' },
    { label: 'high 2', priority: 'high' },
    { label: 'normal 2', priority: 'normal' }
  ])
  assert.deepEqual(order, ['high', 'high 2', 'normal', 'normal 2', 'low'])
})

test('many high-priority tasks do not starve a low-priority one', async () => {
  const flood = Array.from({ length: 500 }, () => ({ label: 'high', priority: /** @type {const} */ ('high') }))
  const order = await orderOf([{ label: 'low', priority: 'low' }, ...flood])
  assert.ok(order.indexOf('low') <= 17, `low finished at index ${order.indexOf('low')}`)
})
