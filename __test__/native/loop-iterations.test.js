'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { pool, transforms } = require('../..')

const identity = transforms.identity()

test('tasks that start another one when they end do not starve the event loop', async () => {
  const inFlight = 64
  let done = 0
  let maxPerIteration = 0
  let iterations = 0
  let isOver = false
  const callers = Array.from({ length: inFlight }, async () => {
    while (!isOver) {
      await pool.run(identity, 'x')
      done++
    }
  })
  let before = done
  while (iterations < 2000) {
    await new Promise(resolve => setImmediate(resolve))
    maxPerIteration = Math.max(maxPerIteration, done - before)
    before = done
    iterations++
  }
  isOver = true
  await Promise.all(callers)
  assert.ok(done > 0)
  assert.ok(maxPerIteration <= 2 * inFlight, `${maxPerIteration} tasks settled in one iteration, ${inFlight} in flight`)
})

test('a timer fires while a large map is running', async () => {
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  const results = await pool.map(transforms.digest('sha256'), Array(300_000).fill('x'))
  clearInterval(timer)
  assert.equal(results.length, 300_000)
  assert.ok(ticks > 5, `the timer fired ${ticks} times`)
})
