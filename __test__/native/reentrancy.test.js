'use strict'

// Inputs whose code closes the pool, aborts the task or submits another one during submission.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, move, transforms } = require('../../index.js')

const { chain, gzip, identity, json, worker } = transforms
const echo = worker(require.resolve('../fixtures/user-code/constant.js'))

/** Transforms that run code of their input. @type {any[]} */
const kinds = [json.stringify(), chain(json.stringify(), gzip()), echo, chain(echo, gzip())]

/** Values that call back when they are read: immediately, in a later slice, or when they are sent. */
const makers = [
  (/** @type {() => void} */ call) => ({
    get a() {
      return call() ?? 1
    }
  }),
  (/** @type {() => void} */ call) => [
    ...Array(20_000).fill('some text'),
    {
      get a() {
        return call() ?? 1
      }
    }
  ],
  (/** @type {() => void} */ call) =>
    move(
      {
        get a() {
          return call() ?? 1
        }
      },
      []
    )
]

/** @typedef {(pool: Pool, transform: any, input: any, signal: AbortSignal) => Promise<unknown>} Verb */

/** @type {Record<string, Verb>} */
const verbs = {
  run: (pool, transform, input, signal) => pool.run(transform, input, { signal }),
  'run that waits': (pool, transform, input, signal) => pool.run(transform, input, { signal, wait: true }),
  map: (pool, transform, input, signal) => pool.map(transform, ['x', input, 'y'], { signal }),
  async iterate(pool, transform, input, signal) {
    for await (const _ of pool.iterate(transform, [input, 'x'], { signal, settle: true }));
  },
  async each(pool, transform, input, signal) {
    const sink = pool.each(transform, undefined, { signal, objectMode: true })
    sink.on('error', () => {}).write(input)
    sink.end()
    await sink.result
  }
}

/**
 * @param {(pool: Pool, abort: AbortController) => void} call
 * @param {(pool: Pool, error: any) => Promise<unknown>} check receives the error of the verb, if it failed
 * @param {() => Pool} [open]
 */
async function each(call, check, open = () => new Pool({ threads: 1, maxQueue: 2 })) {
  for (const verb of Object.values(verbs)) {
    for (const transform of kinds) {
      for (const make of makers) {
        const pool = open()
        const abort = new AbortController()
        let isCalled = false
        const input = make(() => {
          if (isCalled) return
          isCalled = true
          call(pool, abort)
        })
        const error = await verb(pool, transform, input, abort.signal).then(
          () => undefined,
          error => error
        )
        await check(pool, error)
      }
    }
  }
}

test('an input that closes the pool ends its task and the pool', async () => {
  for (const force of [false, true]) {
    await each(
      pool => void pool.close({ force }),
      (pool, error) => {
        if (error !== undefined) assert.equal(error.code, 'ERR_OFFLOOP_CLOSED', error)
        return pool.close({ force })
      }
    )
  }
})

/** Asserts that all slots are free. @param {Pool} pool */
async function assertFree(pool) {
  while (pool.stats().running + pool.stats().queued > 0) await new Promise(resolve => setImmediate(resolve))
  assert.equal(pool.stats().queuedBytes, 0)
  await Promise.all([1, 2, 3].map(() => pool.run(identity(), 'x')))
}

test('an input that aborts its task, or submits another one, leaves the pool intact', async () => {
  const pool = new Pool({ threads: 1, maxQueue: 2 })
  await each(
    (_, abort) => abort.abort(),
    assertFree,
    () => pool
  )
  await each(
    () => void pool.run(identity(), 'x').catch(() => {}),
    assertFree,
    () => pool
  )
  await each(
    () => void pool.ready(),
    assertFree,
    () => pool
  )
  await pool.close()
})
