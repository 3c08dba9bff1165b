'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { addWork } = require('../../lib/doctor/source/work')

const TEXT = `function handle(request) {
  const rows = load(request)
  rows.map(row => (0, lib.structuredClone)(row))
  for (const row of rows) {
    sum += row.total
    count++
  }
  return (0, lib.structuredClone)(rows)
}
`
const START = { file: '/srv/a.js', line: 1, column: 16 }

/**
 * @param {Partial<import('../../lib/doctor/facts').ProfileNode>} own
 * @param {Partial<import('../../lib/doctor/facts').ProfileNode>[]} callees
 */
function workOf(own, callees = [], text = TEXT) {
  const native = { name: 'native', file: '', line: 0, column: 0 }
  const nodes = [
    { id: 1, parent: -1, name: 'handle', ...START, self: 0, ...own },
    ...callees.map((callee, index) => ({ id: index + 2, parent: index + 1, ...native, self: 0, ...callee }))
  ]
  addWork(nodes, file => (file === START.file ? text : undefined))
  return nodes[0].work
}

test('the line with most of the time of a function is its work', () => {
  assert.deepEqual(workOf({ self: 200, lines: { 5: 120, 6: 40 } }), { line: 5, column: 5 })
})

test('the call of a native function counts, also through functions of Node.js and in compiled text', () => {
  const callees = [
    { name: 'structuredClone', file: 'node:internal/worker', line: 9, column: 1, self: 1 },
    { name: 'receive', self: 300 }
  ]
  assert.deepEqual(workOf({ self: 100, lines: { 5: 100 } }, callees), { line: 8, column: 10 })
})

test('there is no work without a line that takes half of the time', () => {
  assert.equal(workOf({ self: 400, lines: { 5: 100, 6: 70, 2: 90 } }), undefined)
  assert.equal(workOf({ self: 400 }), undefined)
  // V8 knew the lines only until it optimized the function.
  assert.equal(workOf({ self: 2000, lines: { 5: 100 } }), undefined)
  assert.equal(workOf({ self: 400, lines: { 5: 100 } })?.line, 5)
  assert.equal(workOf({ self: 10, lines: { 5: 10 } }), undefined)
  assert.equal(workOf({ self: 10 }, [{ name: 'parse', self: 500 }]), undefined)
})

test('the beginning of a generated line stands for nothing', () => {
  assert.equal(workOf({ self: 100, lines: { 1: 100 } }, [], `${TEXT.replaceAll('\n', ' ').repeat(2)}\n`), undefined)
})

test('a function with a long list is searched', () => {
  const text = `function handle() {
  const list = [${'1,'.repeat(200_000)}]
  return native(list)
}
`
  assert.deepEqual(workOf({ self: 100 }, [{ self: 300, name: 'native' }], text), { line: 3, column: 10 })
})
