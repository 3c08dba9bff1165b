'use strict'

const assert = require('node:assert/strict')
const { createHook } = require('node:async_hooks')
const { once } = require('node:events')
const { existsSync, mkdtempSync, readFileSync, rmSync } = require('node:fs')
const { createServer } = require('node:http')
const { Session } = require('node:inspector')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const { examine } = require('../../doctor')

/**
 * Starts a server, and returns a function that sends requests to it one after another.
 * @param {import('node:test').TestContext} t
 * @param {import('node:http').RequestListener} handler
 */
async function serve(t, handler) {
  const server = createServer(handler).listen(0, '127.0.0.1')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return async (/** @type {number} */ count) => {
    for (let sent = 0; sent < count; sent++) await (await fetch(`http://127.0.0.1:${port}/`)).text()
  }
}

test('a handler that computes is named, also in a second examination', async t => {
  let isSlow = true
  const load = await serve(t, function handler(_request, response) {
    const end = performance.now() + (isSlow ? 40 : 0)
    while (performance.now() < end);
    response.end()
  })
  const first = await examine({ rules: ['handler'] })
  await load(220)
  const report = await first.stop()
  assert.equal(await first.stop(), report)
  assert.deepEqual(
    report.findings.map(({ id, function: name, file }) => [id, name, file]),
    [['handler', 'handler', __filename]]
  )
  assert.equal(report.requests, 220)

  isSlow = false
  const second = await examine({ rules: [6] })
  await load(300)
  const other = await second.stop()
  assert.deepEqual([other.findings, other.requests], [[], 300])
})

test('a report is written in the format of its name', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-examine-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const doctor = await examine()
  const report = await doctor.stop()
  for (const name of ['a.html', 'a.json', 'a.md', 'a.sarif']) {
    await report.write(join(folder, name))
    assert.ok(existsSync(join(folder, name)))
  }
  assert.equal(JSON.parse(readFileSync(join(folder, 'a.json'), 'utf8')).version, 1)
  await assert.rejects(report.write(join(folder, 'a.txt')), { code: 'ERR_INVALID_ARG_VALUE' })
})

test('a disposed examination ends', async () => {
  const doctor = await examine()
  await doctor[Symbol.asyncDispose]()
  assert.equal((await doctor.stop()).verdict, 'inconclusive')
})

test('an examination goes on after the end of another one, and the last one stops the probes', async t => {
  const load = await serve(t, (_request, response) => response.end())
  const [first, second] = [await examine(), await examine()]
  await first.stop()
  await load(10)
  assert.equal((await second.stop()).requests, 10)
  let promises = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises++
    }
  }).enable()
  new Map().get('key')
  hook.disable()
  assert.equal(promises, 0)
})

test('an examination whose probes fail has no report', async t => {
  const doctor = await examine()
  const { post } = Session.prototype
  t.mock.method(
    Session.prototype,
    'post',
    /**
     * @this {Session}
     * @param {any[]} args
     */
    function (...args) {
      if (args[0] === 'Profiler.stop') throw new Error('The inspector is mine')
      return Reflect.apply(post, this, args)
    }
  )
  await assert.rejects(doctor.stop(), /A probe failed, .*: The inspector is mine/)
})

test('a worker thread is examined as a thread', async () => {
  const code = `
    const { parentPort } = require('node:worker_threads')
    const busy = () => { for (const end = performance.now() + 40; performance.now() < end; ); }
    require(${JSON.stringify(require.resolve('../../doctor'))}).examine({ rules: ['handler'] }).then(async doctor => {
      for (let count = 0; count < 10; count++) await new Promise(resolve => setImmediate(() => resolve(busy())))
      const { processes, loop } = await doctor.stop()
      parentPort.postMessage({ processes, blocks: loop.blocks.count })
    })`
  const worker = new Worker(code, { eval: true })
  const { threadId } = worker
  const [{ processes, blocks }] = await once(worker, 'message')
  assert.deepEqual(
    processes.map((/** @type {any} */ { role, thread }) => [role, thread]),
    [['thread', threadId]]
  )
  assert.ok(blocks > 0)
})

test('wrong options are refused', async () => {
  await assert.rejects(examine(/** @type {any} */ ({ treshold: 5 })), { code: 'ERR_INVALID_ARG_VALUE' })
  await assert.rejects(examine({ threshold: 5 }), { code: 'ERR_OUT_OF_RANGE' })
  await assert.rejects(examine(/** @type {any} */ ({ rules: 'race' })), { code: 'ERR_INVALID_ARG_TYPE' })
  for (const [rules, received] of /** @type {const} */ ([
    [[], '[]'],
    [['race', undefined], 'undefined'],
    [new Array(1), 'undefined'],
    [[null], 'null'],
    [[99], '99'],
    [['handlers'], "'handlers'"],
    [[['race']], "[ 'race' ]"]
  ])) {
    await assert.rejects(examine(/** @type {any} */ ({ rules })), ({ code, message }) => {
      assert.equal(code, 'ERR_INVALID_ARG_VALUE')
      assert.ok(message.includes('"options.rules"') && message.endsWith(`Received ${received}`), message)
      return true
    })
  }
})
