'use strict'

// The probe of the heap, on the heap of this process.

const assert = require('node:assert/strict')
const { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const timers = require('node:timers')
const { setImmediate: turn } = require('node:timers/promises')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const { install } = require('../../lib/doctor/probe/memory.js')

setFlagsFromString('--expose-gc')
/** Makes a major collection. @type {() => void} */
const collectGarbage = runInNewContext('gc')

/** @param {() => boolean} isReached */
async function until(isReached) {
  while (!isReached()) await turn()
}

/** @param {number} count of objects of about 1 KB */
function retain(count) {
  return Array.from({ length: count }, (_, index) => ({ index, values: new Array(128).fill(index / 3) }))
}

test('nothing is observed before the measurement', () => {
  const { rows, majors, allocations, heapLimit } = install().collect()
  assert.deepEqual({ rows, majors, allocations }, { rows: [], majors: [], allocations: [] })
  assert.ok(heapLimit > 1e6)
})

test('a row has the figures of the process', () => {
  const probe = install()
  probe.begin()
  const timer = timers.setTimeout(() => {}, 1e6)
  const idle = timers.setTimeout(() => {}, 1e6).unref()
  const before = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const immediates = [1, 2].map(() => timers.setImmediate(() => {}))
  const row = probe.sample()
  immediates.forEach(timers.clearImmediate)
  timers.clearTimeout(timer)
  timers.clearTimeout(idle)
  probe.sample()
  probe.end()
  const { heapUsed, external, rss } = process.memoryUsage()
  assert.ok(Math.abs(row.heapUsed - heapUsed) < heapUsed / 2)
  assert.ok(row.external > external / 4 && row.rss > rss / 4)
  assert.ok(row.at <= Date.now())
  assert.equal(row.timers, before)
  assert.equal(row.immediates, 2)
  const { rows, cost } = probe.collect()
  assert.deepEqual([rows.length, rows[0]], [2, row])
  assert.ok(cost.memory > 0)
})

test('major collections of the program count, those of the probe do not', async () => {
  const probe = install()
  probe.begin()
  assert.equal(probe.collect().majors.length, 1)
  const kept = retain(10_000)
  collectGarbage()
  await until(() => probe.collect().majors.length > 1)
  const row = probe.sample()
  assert.ok(row.gc > 0 && row.longestGc > 0 && row.longestGc <= row.gc)
  assert.equal(probe.sample().gc, 0)
  probe.end()
  await turn()
  const { majors } = probe.collect()
  assert.equal(probe.sample().gc, 0)
  assert.ok(majors.length >= 3)
  assert.ok(majors[1].heapUsed - majors[0].heapUsed > kept.length * 500)
  assert.ok(majors.every(({ at }, index) => at <= Date.now() + 1 && (index === 0 || at >= majors[index - 1].at - 5)))
})

test('live allocations have the stack that made them', async () => {
  const probe = install()
  probe.begin()
  const kept = retain(20_000)
  for (let count = 0; count < 4; count++) {
    retain(20_000)
    await turn()
  }
  probe.end()
  const { allocations } = probe.collect()
  const own = allocations.filter(({ frames }) =>
    frames.some(({ name, file }) => name === 'retain' && file === __filename)
  )
  const live = own.reduce((sum, { after }) => sum + after, 0)
  assert.ok(live > kept.length * 500 && live < kept.length * 3000, String(live))
  const frame = own[0].frames.find(({ name }) => name === 'retain')
  assert.equal(frame?.isUser, true)
  assert.ok(Number(frame?.line) > 10)
  assert.ok(own.every(({ before }) => before === 0))
  // The session is closed.
  assert.deepEqual(probe.collect().allocations, allocations)
})

test('allocations of the doctor are not those of the program', () => {
  const probe = install()
  probe.begin()
  for (let count = 0; count < 2000; count++) probe.sample()
  probe.end()
  const { allocations } = probe.collect()
  const folder = join(__dirname, '../../lib/doctor')
  assert.deepEqual(
    allocations.filter(({ frames }) => frames.some(({ file }) => file.startsWith(folder))),
    []
  )
})

/**
 * Makes a folder with a command, and returns the path of a snapshot in it.
 * @param {import('node:test').TestContext} t
 * @param {object} command
 */
function snapshotPath(t, command) {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-memory-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'command.json'), JSON.stringify(command))
  return join(folder, 'a.heapsnapshot')
}

test('functions that have run are listed with snapshots', t => {
  const probe = install()
  probe.begin()
  probe.snapshot(snapshotPath(t, {}))
  probe.end()
  const { ran = [] } = probe.collect()
  const text = readFileSync(__filename, 'utf8')
  const isListed = (/** @type {Function} */ { name }) => {
    const at = text.indexOf(`function ${name}(`)
    return ran.some(({ file, from, to }) => file === __filename && from === at && at < to)
  }
  assert.deepEqual([isListed(neverCalled), isListed(retain)], [false, true])
})

for (const [heaps, isTaken] of /** @type {const} */ ([
  [{ processes: [process.pid] }, true],
  [{ processes: [process.pid], largest: 1e9 }, true],
  [{ processes: [process.pid], largest: 1e6 }, false],
  [{ processes: [1] }, false]
])) {
  test(`a snapshot of ${Object.keys(heaps)} is ${isTaken ? '' : 'not '}taken`, t => {
    const path = snapshotPath(t, { heaps })
    const probe = install()
    probe.begin()
    probe.snapshot(path)
    probe.end()
    const { ran, blind } = probe.collect()
    assert.deepEqual([existsSync(path), ran !== undefined, blind], [isTaken, isTaken, {}])
  })
}

test('a snapshot that cannot be written is a reason for blindness', t => {
  const path = snapshotPath(t, {})
  mkdirSync(path)
  const probe = install()
  probe.begin()
  probe.snapshot(path)
  probe.end()
  assert.match(probe.collect().blind.growth, /^A heap snapshot could not be written: .*EISDIR/)
})

function neverCalled() {
  return __dirname
}
