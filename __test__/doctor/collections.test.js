'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')
const { describe, test } = require('node:test')
const { setImmediate } = require('node:timers/promises')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const { collectionsOf } = require('../../lib/doctor/probe/collections')
const native = require('../../lib/native')
const { share } = require('../../lib/native/shared')
const { LoopWatch } = require('../../lib/watch/loop-watch')

setFlagsFromString('--expose-gc')
/** @type {(options?: { type: 'minor' | 'major', execution: 'sync' }) => void} */
const collect = runInNewContext('gc')

/** Returns the watch of this loop, and a function that ends it. */
function watched() {
  const loop = share('watch', LoopWatch)
  const ignore = () => {}
  loop.add(ignore, { threshold: 1000, fatal: Number.POSITIVE_INFINITY, fatalExit: false })
  return { loop, stop: () => loop.remove(ignore) }
}

for (const [name, start] of /** @type {const} */ ([
  ['native code', watched],
  ['Node.js', () => ({ loop: undefined, stop() {} })]
])) {
  describe(`collections that ${name} counts`, { skip: name === 'native code' && !native.canWatch() }, () => {
    test('each major one is reported soon after it, minor ones only count', async () => {
      const { loop, stop } = start()
      const collections = collectionsOf(loop)
      /** @type {number[]} */
      const majors = []
      collections.begin(at => majors.push(at))
      collect({ type: 'minor', execution: 'sync' })
      let minor = collections.take()
      for (; minor.time === 0; minor = collections.take()) await setImmediate()
      assert.ok(minor.time > 0 && minor.longest > 0 && minor.longest <= minor.time)
      assert.equal(majors.length, 0)
      const before = Date.now()
      collect({ type: 'major', execution: 'sync' })
      while (majors.length === 0) await setImmediate()
      assert.ok(Math.abs(majors[0] - before) < 1000)
      const major = collections.take()
      assert.ok(major.longest > 0 && major.longest <= major.time)
      const none = collections.take()
      assert.ok(none.time < major.time)
      collections.end()
      stop()
    })

    test('those of a call that is left out do not count', async () => {
      const { loop, stop } = start()
      const collections = collectionsOf(loop)
      let majors = 0
      collections.begin(() => majors++)
      assert.equal(
        collections.without(() => {
          collect({ type: 'major', execution: 'sync' })
          return 'result'
        }),
        'result'
      )
      collect({ type: 'major', execution: 'sync' })
      while (majors === 0) await setImmediate()
      // Reports of both would have arrived together.
      collections.take()
      assert.equal(majors, 1)
      collections.end()
      stop()
    })
  })
}

test('native code counts them where it can', { skip: !native.canWatch() }, () => {
  const { loop, stop } = watched()
  assert.equal(Object.getPrototypeOf(collectionsOf(loop)).constructor.name, 'Counted')
  stop()
})

test("another process's turn on the core does not count", {
  skip: (!native.canWatch() || process.platform !== 'linux') && 'needs taskset'
}, async t => {
  const onOneCore = (/** @type {string[]} */ args) => spawn('taskset', ['-c', '0', process.execPath, ...args])
  for (let neighbours = 0; neighbours < 4; neighbours++) {
    const neighbour = onOneCore(['-e', 'process.stdout.write("."); for (;;);'])
    t.after(() => neighbour.kill('SIGKILL'))
    await once(neighbour.stdout, 'data')
  }
  const child = onOneCore(['--expose-gc', join(__dirname, '../fixtures/doctor/collections.js')])
  const { counted, observed, processor } = JSON.parse(await text(child.stdout))
  assert.ok(observed > 1.5 * processor, `${observed} of ${processor} ms: the neighbours took no turn`)
  assert.ok(counted > 0 && counted <= processor, `${counted} of ${processor} ms`)
})
