'use strict'

// The Express example, as a program and as a module.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { test } = require('node:test')
const { transforms } = require('../..')
const { occupy } = require('../support/occupy.js')
const { deferred } = require('../support/deferred.js')
const { app, pool } = require('../../examples/express.js')

const example = join(__dirname, '..', '..', 'examples', 'express.js')

test('starts, responds and exits on SIGTERM', async t => {
  const child = spawn(process.execPath, [example], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  const [url] = await once(child.stdout, 'data')
  const response = await fetch(String(url).trim(), { headers: { connection: 'close' } })
  assert.equal(response.headers.get('content-encoding'), 'gzip')
  const rows = /** @type {any} */ (await response.json())
  assert.deepEqual([rows.length, rows[2]], [20_000, { id: 2, name: 'row 2', price: 3 }])
  child.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null])
})

/** @param {import('node:test').TestContext} t */
async function listen(t) {
  const server = app.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return `http://127.0.0.1:${port}/report`
}

test('responds with 503 and Retry-After if its pool is full', async t => {
  const url = await listen(t)
  const { release } = await occupy(pool)
  const waiting = Array.from({ length: pool.maxQueue }, () => pool.run(transforms.identity(), 'x').catch(() => {}))
  const response = await fetch(url, { headers: { connection: 'close' } })
  assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1'])
  await release()
  await Promise.all(waiting)
})

test('a disconnected client removes its report from the queue', async t => {
  const url = await listen(t)
  const { release } = await occupy(pool)
  const client = new AbortController()
  const { run } = pool
  /** @type {Promise<unknown>[]} */
  const reports = []
  const entered = deferred()
  t.mock.method(pool, 'run', (/** @type {Parameters<typeof run>} */ ...args) => {
    reports.push(run.apply(pool, args))
    entered.resolve(undefined)
    return reports[0]
  })
  const response = fetch(url, { signal: client.signal })
  await entered.promise
  client.abort()
  await assert.rejects(response, { name: 'AbortError' })
  await assert.rejects(reports[0], { name: 'AbortError' })
  await release()
})
