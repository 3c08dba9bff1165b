'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { pool, transforms } = require('../..')

const identity = transforms.identity()

test('tasks that start the next one when they end leave every turn of the loop to others', async () => {
  const inFlight = 64
  let done = 0
  let most = 0
  let turns = 0
  let isOver = false
  const callers = Array.from({ length: inFlight }, async () => {
    while (!isOver) {
      await pool.run(identity, 'x')
      done++
    }
  })
  let before = done
  while (turns < 2000) {
    await new Promise(resolve => setImmediate(resolve))
    most = Math.max(most, done - before)
    before = done
    turns++
  }
  isOver = true
  await Promise.all(callers)
  assert.ok(done > 0)
  assert.ok(most <= 2 * inFlight, `${most} tasks of ${inFlight} in flight settled in one turn`)
})

test('a timer is served while a large map is under way', async () => {
  let ticks = 0
  const timer = setInterval(() => ticks++, 1)
  const results = await pool.map(transforms.digest('sha256'), Array(300_000).fill('x'))
  clearInterval(timer)
  assert.equal(results.length, 300_000)
  assert.ok(ticks > 5, `the timer fired ${ticks} times`)
})
