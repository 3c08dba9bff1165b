'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Rows } = require('../../lib/doctor/rows')

/** @param {number} index */
function message(index) {
  const type = /** @type {const} */ ('row')
  const size = 1000 + index
  return {
    type,
    row: {
      at: index,
      heapUsed: size,
      external: size,
      rss: size,
      requests: index,
      gc: index,
      longestGc: index,
      utilization: index % 2,
      starved: index,
      timers: 1
    }
  }
}

/** Adds rows, at most eight of which stay. @param {number} count */
function kept(count) {
  const rows = new Rows(8)
  /** @type {Set<ReturnType<typeof message>>} */
  const messages = new Set()
  for (let index = 0; index < count; index++) {
    const next = message(index)
    if (rows.add(next)) messages.add(next)
    for (const superfluous of rows.thin()) messages.delete(superfluous)
  }
  return [...messages].map(({ row }) => row)
}

test('few rows do not change', () => {
  assert.deepEqual(
    kept(7),
    Array.from({ length: 7 }, (_, index) => message(index).row)
  )
})

for (const count of [8, 9, 15, 16, 100, 1001]) {
  test(`the counters of ${count} rows stay complete`, () => {
    const rows = kept(count)
    const total = (count * (count - 1)) / 2
    const sum = (/** @type {'requests' | 'gc'} */ key) => rows.reduce((all, row) => all + row[key], 0)
    assert.ok(rows.length <= 8 && rows.length >= 4)
    assert.deepEqual([sum('requests'), sum('gc')], [total, total])
    const last = /** @type {typeof rows[number]} */ (rows.at(-1))
    assert.deepEqual([last.at, last.rss, last.longestGc, last.starved], [count - 1, 999 + count, count - 1, count - 1])
    assert.equal(rows[0].heapUsed, 1000)
    assert.ok(rows.slice(0, -1).every(({ utilization }) => utilization === 0.5))
  })
}
