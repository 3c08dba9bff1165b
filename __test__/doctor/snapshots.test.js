'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { heapsOf } = require('../../lib/doctor/snapshots')

/**
 * Returns the messages of a process with a heap of some sizes in megabytes.
 * @param {number} pid
 * @param {number[]} sizes
 * @param {string} [script]
 */
function messages(pid, sizes, script = `${pid}.js`) {
  const rows = sizes.map(size => ({ type: 'row', row: { heapUsed: size * 1e6 } }))
  return [{ type: 'hello', pid, script }, { type: 'measure' }, ...rows]
}

const PROCESSES = [
  messages(1, [10, 20, 30]),
  messages(2, [30, 20, 30]),
  messages(3, [100, 150, 200]),
  [{ type: 'hello', pid: 4 }]
]

test('snapshots are taken of the heaps that grow and are small', () => {
  assert.deepEqual(heapsOf('auto', PROCESSES), { processes: [1], largest: 150e6 })
  assert.deepEqual(heapsOf('always', PROCESSES), { processes: [1, 2, 3] })
  assert.deepEqual(heapsOf('off', PROCESSES).processes, [])
})

test('snapshots are taken if only the memory outside of the heap grows', () => {
  const outside = (/** @type {number[]} */ sizes) => {
    const rows = sizes.map(size => ({ type: 'row', row: { heapUsed: 10e6, external: size * 1e6 } }))
    return heapsOf('auto', [[{ type: 'hello', pid: 7, script: 'a.js' }, { type: 'measure' }, ...rows]]).processes
  }
  assert.deepEqual(outside([5, 10, 15]), [7])
  assert.deepEqual(outside([5, 6, 7]), [])
})

test('snapshots are taken of all processes with the script of a growing one', () => {
  const processes = [messages(1, [10, 20, 30], 'a.js'), messages(2, [30, 20, 30], 'a.js'), messages(3, [30, 20, 30])]
  assert.deepEqual(heapsOf('auto', processes).processes, [1, 2])
})

test('a long measurement has a growing heap', () => {
  const sizes = Array.from({ length: 500_000 }, (_, index) => 10 + index / 10_000)
  assert.deepEqual(heapsOf('auto', [messages(1, sizes)]).processes, [1])
})
