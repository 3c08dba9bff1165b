'use strict'

// A failure of one outcome or one input must not affect others.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child')
const { Pool, transforms } = require('../support/fault-addon')

const identity = transforms.identity()

test('a signal that throws while its task settles loses no other outcome', async () => {
  // In a child process, because the error is an uncaught exception.
  const script = `
    const { Pool, transforms, occupy } = require(${JSON.stringify(require.resolve('../support/fault-addon'))})
    process.on('uncaughtException', error => console.log('uncaught', error.message))
    const identity = transforms.identity()
    const pool = new Pool({ threads: 1, maxQueue: 100 })
    const { release } = occupy(pool)
    const signal = Object.assign(new EventTarget(), { aborted: false })
    signal.removeEventListener = () => { throw new Error('broken signal') }
    const first = pool.run(identity, 'first', { signal })
    const others = Array.from({ length: 50 }, (_, index) => pool.run(identity, String(index)))
    release().then(async () => {
      console.log(String(await first), (await Promise.all(others)).map(String).join())
      await pool.close()
      console.log('closed')
    })`
  const { code, stdout } = await node(['-e', script])
  const numbers = Array.from({ length: 50 }, (_, index) => index).join()
  assert.deepEqual(stdout.trim().split('\n').sort(), ['closed', `first ${numbers}`, 'uncaught broken signal'])
  assert.equal(code, 0)
})

test('an error while one result of a batch settles loses no other result', async () => {
  const script = `
    const { Pool, transforms } = require(${JSON.stringify(require.resolve('../..'))})
    const { BatchTask } = require(${JSON.stringify(require.resolve('../../lib/pool/bulk/batch'))})
    process.on('uncaughtException', error => console.log('uncaught', error.message))
    const inputs = Array.from({ length: 200 }, (_, index) => String(index))
    const { settle } = BatchTask.prototype
    let hasThrown = false
    BatchTask.prototype.settle = function (...outcome) {
      const isFirst = this.count > 1 && !hasThrown
      settle.apply(this, outcome)
      if (!isFirst) return
      hasThrown = true
      throw new Error('broken result')
    }
    const pool = new Pool({ threads: 1 })
    const results = async () => (await pool.map(transforms.identity(), inputs)).map(String).join() === inputs.join()
    ;(async () => {
      while (!hasThrown) console.log(await results())
      console.log(await results())
      await pool.close()
    })()`
  const { code, stdout, stderr } = await node(['-e', script], { timeout: 60_000 })
  const lines = new Set(stdout.trim().split('\n'))
  assert.deepEqual([code, stderr, [...lines].sort()], [0, '', ['true', 'uncaught broken result']])
})

test('rejects a signal without removeEventListener', async () => {
  const pool = new Pool({ threads: 1 })
  const signal = /** @type {any} */ ({ aborted: false, addEventListener() {} })
  await assert.rejects(pool.run(identity, 'x', { signal }), { code: 'ERR_INVALID_ARG_TYPE', message: /AbortSignal/ })
  await pool.close()
})

test('waiting calls with large text of several bytes per character all fit in turn', { timeout: 60_000 }, async () => {
  const pool = new Pool({ threads: 2, maxQueueBytes: 8 << 20 })
  const text = '€'.repeat(2 << 20)
  const crc = transforms.digest('crc32', { encoding: 'hex' })
  const digests = await pool.map(crc, Array(6).fill(text))
  assert.equal(new Set(digests).size, 1)
  const waited = await Promise.all(Array.from({ length: 6 }, () => pool.run(crc, text, { wait: true })))
  assert.deepEqual(waited, digests)
  assert.equal(pool.stats().queuedBytes, 0)
  await pool.close()
})

test('nested chains are flattened, up to a maximum length', async () => {
  const pool = new Pool({ threads: 1 })
  let chain = transforms.chain(identity)
  for (let depth = 0; depth < 20_000; depth++) chain = transforms.chain(chain)
  assert.equal(String(await pool.run(chain, 'x')), 'x')
  assert.throws(
    () => {
      for (let double = 0; double < 64; double++) chain = transforms.chain(chain, chain)
    },
    { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /1024.*Received 2048/ }
  )
  await pool.close()
})

test('a forced close rejects a map that waits for inputs, even after a normal close', async () => {
  const pool = new Pool({ threads: 1 })
  let isClosed = false
  const inputs = ['x'].values()
  const source = {
    [Symbol.asyncIterator]: () => ({
      // Yields one input, then stays pending.
      next: () =>
        inputs.next().value === undefined ? new Promise(() => {}) : Promise.resolve({ value: 'x', done: false }),
      async return() {
        isClosed = true
        return { value: undefined, done: true }
      }
    })
  }
  const map = pool.map(identity, /** @type {AsyncIterable<string>} */ (source))
  while (pool.stats().completed < 1) await new Promise(resolve => setImmediate(resolve))
  await pool.close()
  await pool.close({ force: true })
  await assert.rejects(map, { code: 'ERR_OFFLOOP_CLOSED' })
  assert.equal(isClosed, true)
})
