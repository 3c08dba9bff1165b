'use strict'

// User functions with every pool method, and in chains with native steps.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { test } = require('node:test')
const { gunzipSync, gzipSync } = require('node:zlib')
const { Pool, pool, transforms } = require('../..')
const { node } = require('../support/child.js')
const { fixture, userFunction, waitForValue, release, sharedWords } = require('../support/worker.js')

const { chain, digest, gunzip, gzip } = transforms
const numbers = Array.from({ length: 3000 }, (_, n) => n)

test('errors of the pool about a function have the name of its transform', async t => {
  const pool = new Pool({ threads: 1, maxQueue: 1, maxWait: 20 })
  t.after(() => pool.close({ force: true }))
  const words = sharedWords()
  const runs = pool.run(userFunction('meet'), words)
  await waitForValue(words, 0, 1)
  for (const transform of [userFunction(), transforms.workerScript(fixture('script.js')), transforms.gzip()]) {
    const refused = { code: 'ERR_OFFLOOP_QUEUE_TIMEOUT', transform: transform.name }
    const tasks = [pool.run(transform, 'x'), pool.run(transform, 'x', { wait: true })]
    await Promise.all(tasks.map(task => assert.rejects(task, refused)))
  }
  release(words)
  await runs
  const { byTransform } = pool.stats()
  assert.deepEqual(Object.keys(byTransform), ['worker'])
})

test('map preserves the order', async () => {
  assert.deepEqual(
    await pool.map(userFunction('double'), numbers),
    numbers.map(n => 2 * n)
  )
})

test('map supports settle, and rejects at an error', async () => {
  const settled = await pool.map(userFunction('customError'), [1], { settle: true })
  assert.equal(/** @type {any} */ (settled[0]).reason.code, 'ERR_CUSTOM')
  await assert.rejects(pool.map(userFunction('customError'), [1]), { name: 'CustomError', index: 0 })
})

test('iterate reads inputs at the pace of its reader', async () => {
  let inputs = 0
  async function* source() {
    for (const n of numbers) {
      inputs++
      yield n
    }
  }
  let count = 0
  for await (const value of pool.iterate(userFunction('double'), source(), { concurrency: 10 })) {
    assert.equal(value, 2 * count++)
    assert.ok(inputs <= count + 11, `${inputs} inputs were read for ${count} results`)
    if (count === 100) break
  }
})

test('an iteration does not retain moved inputs that cannot be cloned', async () => {
  const text = `
    const { Pool, move, transforms } = require(${JSON.stringify(join(__dirname, '..', '..'))})
    const f = transforms.worker(${JSON.stringify(fixture('functions.js'))})
    function* inputs() {
      for (;;) {
        const memory = new ArrayBuffer(8)
        yield move({ save() {}, memory }, [memory])
      }
    }
    ;(async () => {
      const pool = new Pool({ threads: 1 })
      let count = 0
      let before
      for await (const { status } of pool.iterate(f, inputs(), { settle: true })) {
        if (status !== 'rejected') throw new Error(status)
        if (++count % 10_000 > 0) continue
        gc()
        const { heapUsed } = process.memoryUsage()
        before ??= heapUsed
        if (count === 30_000) {
          console.log(heapUsed - before)
          break
        }
      }
      await pool.close()
    })()`
  const { stdout, stderr } = await node(['--expose-gc', '-e', text])
  assert.equal(stderr, '')
  assert.ok(Number(stdout) < 2_000_000, `the heap grew by ${stdout} bytes`)
})

test('each calls the function for each object, in order', async () => {
  /** @type {number[]} */
  const results = []
  const onResult = (/** @type {any} */ value) => void results.push(value)
  const sink = pool.each(userFunction('double'), onResult, { objectMode: true })
  await pipeline(Readable.from(numbers), sink)
  assert.equal(await sink.result, numbers.length)
  assert.deepEqual(
    results,
    numbers.map(n => 2 * n)
  )
  assert.throws(() => pool.collect(/** @type {any} */ (userFunction())), /cannot stream: pool\.each makes/)
  assert.throws(() => pool.stream(/** @type {any} */ (userFunction())), { code: 'ERR_INVALID_ARG_VALUE' })
})

test('chains native steps before and after a function', async () => {
  const chained = chain(gunzip(), userFunction(), gzip())
  assert.equal(chained.name, 'chain')
  const packed = gzipSync('a text')
  assert.equal(String(gunzipSync(await pool.run(chained, packed))), 'a text')
  const nested = chain(chain(gunzip(), userFunction()), chain(userFunction(), digest('sha256', { encoding: 'hex' })))
  const hex = await pool.run(chain(gunzip(), digest('sha256', { encoding: 'hex' })), packed)
  assert.equal(await pool.run(nested, packed), hex)
  assert.deepEqual(await pool.map(nested, [packed, packed]), [hex, hex])
  assert.equal(await pool.run(chain(userFunction('double'), userFunction('double')), 3), 12)
})

test('an error of a chain names the steps between which a value is invalid', async () => {
  await assert.rejects(pool.run(chain(userFunction('double'), gzip()), 1), {
    name: 'TypeError',
    message: /^The result of 'worker', input of 'gzip', must be a string or an instance of ArrayBuffer/
  })
  await assert.rejects(pool.run(chain(gunzip(), userFunction()), Buffer.from('no gzip')), {
    code: 'ERR_OFFLOOP_INVALID_DATA'
  })
})

test('a chain queues its later steps, and close waits for them', async () => {
  const own = new Pool({ threads: 1, maxQueue: 1 })
  const shared = sharedWords()
  const first = own.run(chain(userFunction('meet'), userFunction('double'), userFunction('double')), shared)
  await waitForValue(shared, 0, 1)
  const second = own.run(userFunction('double'), 5)
  const closed = own.close()
  release(shared)
  assert.equal(typeof (await first), 'number')
  assert.equal(await second, 10)
  await closed
})

test('close waits for chains whose next step is queued', async () => {
  const own = new Pool({ threads: 1, maxQueue: 0 })
  const [one, two] = [sharedWords(), sharedWords()]
  const chained = own.run(chain(userFunction('meet'), userFunction('double')), one)
  await waitForValue(one, 0, 1)
  // The waiting call is admitted first, so that the next step has to wait.
  const second = own.run(userFunction('meet'), two, { wait: true })
  release(one)
  await waitForValue(two, 0, 1)
  const closed = own.close()
  release(two)
  assert.equal(typeof (await chained), 'number')
  await Promise.all([second, closed])
})

test('a chain can be aborted at any step', async () => {
  const own = new Pool({ threads: 1 })
  for (const steps of [
    [userFunction('hang'), userFunction()],
    [userFunction(), userFunction('hang')]
  ]) {
    const shared = sharedWords()
    const controller = new AbortController()
    const promise = own.run(chain(steps[0], steps[1]), shared, { signal: controller.signal })
    await waitForValue(shared, 0, 1)
    controller.abort()
    await assert.rejects(promise, { name: 'AbortError' })
  }
  await own.close()
})

test('native tasks and functions share one budget', async () => {
  const own = new Pool({ threads: 2 })
  const shared = sharedWords()
  const two = [own.run(userFunction('meet'), shared), own.run(userFunction('meet'), shared)]
  await waitForValue(shared, 0, 2)
  const native = own.run(digest('sha256'), 'text')
  assert.deepEqual([own.stats().running, own.stats().queued], [2, 1])
  release(shared)
  assert.equal((await native).length, 32)
  assert.equal(new Set(await Promise.all(two)).size, 2)
  await own.close()
})

test('respects priorities, maxQueue and maxWait', async () => {
  const own = new Pool({ threads: 1, maxQueue: 2 })
  const shared = sharedWords()
  /** @type {string[]} */
  const order = []
  const running = own.run(userFunction('meet'), shared)
  await waitForValue(shared, 0, 1)
  const low = own.run(userFunction(), 0, { priority: 'low' }).then(() => order.push('low'))
  const high = own.run(userFunction(), 0, { priority: 'high' }).then(() => order.push('high'))
  await assert.rejects(own.run(userFunction(), 0), { code: 'ERR_OFFLOOP_QUEUE_FULL', transform: 'worker' })
  const ready = own.ready().then(() => order.push('ready'))
  release(shared)
  await Promise.all([running, low, high, ready])
  assert.deepEqual(
    order.filter(it => it !== 'ready'),
    ['high', 'low']
  )
  await own.close()

  const late = new Pool({ threads: 1, maxWait: 20 })
  const again = sharedWords()
  const holds = late.run(userFunction('meet'), again)
  await waitForValue(again, 0, 1)
  await assert.rejects(late.run(userFunction(), 0), { code: 'ERR_OFFLOOP_QUEUE_TIMEOUT', transform: 'worker' })
  release(again)
  await holds
  await late.close()
})

test('respects maxQueueBytes', async () => {
  const own = new Pool({ threads: 1, maxQueueBytes: 1000 })
  const shared = sharedWords()
  const running = own.run(userFunction('meet'), shared)
  await waitForValue(shared, 0, 1)
  const fits = own.run(userFunction('size'), Buffer.alloc(900))
  await assert.rejects(own.run(userFunction('size'), Buffer.alloc(200)), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  release(shared)
  assert.equal(await fits, 900)
  await running
  await own.close()
})
