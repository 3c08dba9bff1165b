'use strict'

// Promises must settle under fake timers, installed before or after the package.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')
const timers = require('node:timers')
const loop = require('../../lib/internal/clock')
const { run } = require('../../scripts/lib/process')
const { FEATURES, KINDS, STREAMS } = require('../fixtures/fake-timers')

const FIXTURE = join(__dirname, '../fixtures/fake-timers.js')

for (const kind of Object.keys(KINDS)) {
  for (const order of ['before', 'after']) {
    test(`${kind}, installed ${order} the package is loaded: everything settles`, async () => {
      const { stdout, output } = await run(process.execPath, [FIXTURE, kind, order], { timeout: 60_000 })
      // Node's streams need process.nextTick.
      const streams = kind === 'everything' ? [] : Object.keys(STREAMS)
      assert.deepEqual(stdout.trim().split('\n'), [...Object.keys(FEATURES), ...streams, 'all'], output)
    })
  }
}

test("without fakes the functions are Node's own", () => {
  assert.equal(loop.setImmediate, timers.setImmediate)
  assert.equal(loop.setTimeout, timers.setTimeout)
  assert.notEqual(loop.nextTick, loop.setImmediate)
  assert.equal(loop.now.name, 'bound now')
})

test('a timer keeps the process alive, an unreferenced one does not', async () => {
  const script = `
    require('node:test').mock.timers.enable()
    const { clearTimeout, setTimeout } = require('./lib/internal/clock')
    setTimeout(() => console.log('never'), 1000_000).unref()
    clearTimeout(setTimeout(() => console.log('never'), 1000_000))
    setTimeout(() => console.log('in time'), 20)`
  const { code, stdout, output } = await run(process.execPath, ['-e', script], { timeout: 60_000 })
  assert.deepEqual([code, stdout], [0, 'in time\n'], output)
})

test('an error of a callback is an uncaught exception, and the other callbacks run', async () => {
  const script = `
    const { queueMicrotask } = require('./lib/internal/clock')
    process.on('uncaughtException', error => console.log(error.message))
    queueMicrotask(() => { throw new Error('thrown') })
    queueMicrotask(() => console.log('called'))`
  const { code, stdout, output } = await run(process.execPath, ['-e', script], { timeout: 60_000 })
  assert.deepEqual([code, stdout], [0, 'called\nthrown\n'], output)
})
