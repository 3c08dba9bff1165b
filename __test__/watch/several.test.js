'use strict'

// Several watches of one thread share the native one.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { setTimeout: after } = require('node:timers/promises')
const { watch } = require('../../watch')
const { collectBlocks, isIn, spin } = require('../support/blocks')
const { node } = require('../support/child')

/** @typedef {import('../../watch').Block} Block */

const UNLIMITED = { maxPerMinute: Infinity, maxPerStack: Infinity }

test('each block is published once', async t => {
  const { blocks, next } = collectBlocks(t)
  for (const threshold of [50, 60, 70]) t.after(watch({ threshold }))
  await after(5)
  ;(function once() {
    spin(120)
  })()
  await next(block => isIn(block, 'once'))
  await after(20)
  assert.equal(blocks.filter(block => isIn(block, 'once')).length, 0)
})

for (const end of ['stop', 'pause']) {
  test(`a block in progress is left to the others by ${end}`, async t => {
    /** @type {Block[]} */
    const received = []
    const leaving = watch({ threshold: 20, ...UNLIMITED })
    const staying = watch({ threshold: 200, ...UNLIMITED, onBlock: block => received.push(block) })
    t.after(leaving)
    t.after(staying)
    const { next } = collectBlocks(t)
    await after(5)
    ;(function leaves() {
      spin(150)
      if (end === 'stop') leaving()
      else leaving.pause()
      assert.deepEqual(received, [], 'not before the end of the block')
      spin(150)
    })()
    const { duration } = await next(block => isIn(block, 'leaves'))
    assert.ok(duration >= 295, `${duration}`)
    assert.equal(received.filter(block => isIn(block, 'leaves')).length, 1)
  })
}

test('a watch gets no block of the time before it', async t => {
  /** @type {Block[]} */
  const received = []
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 20, ...UNLIMITED }))
  await after(5)
  ;(function before() {
    spin(150)
    t.after(watch({ threshold: 100, ...UNLIMITED, onBlock: block => received.push(block) }))
    spin(20)
  })()
  await next(block => isIn(block, 'before'))
  assert.ok(!received.some(block => isIn(block, 'before')))
})

test('the limit of one watch does not end the process for another', async () => {
  const code = `
    const { watch } = require(${JSON.stringify(require.resolve('../../watch'))})
    watch({ threshold: 20, fatal: 100 })
    watch({ fatal: 60_000, fatalExit: true })
    setTimeout(() => { const end = performance.now() + 300; while (performance.now() < end); }, 20)`
  const { code: exitCode, stderr } = await node(['-e', code], { timeout: 60_000 })
  assert.equal(exitCode, 0, stderr)
  assert.match(stderr, /^\{"age":1\d\d,/)
})

test('many watches add one listener', async () => {
  const code = `
    const { watch } = require(${JSON.stringify(require.resolve('../../watch'))})
    const stops = Array.from({ length: 20 }, () => watch())
    console.log(process.listenerCount('exit'))
    for (const stop of stops) stop()
    console.log(process.listenerCount('exit'))`
  const { stdout, stderr } = await node(['-e', code])
  assert.deepEqual([stdout, stderr], ['1\n0\n', ''])
})
