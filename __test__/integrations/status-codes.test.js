'use strict'

// Fastify, Express and Koa send the status of an error without any glue code.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { createServer } = require('node:http')
const { test } = require('node:test')
const express = require('express')
const fastify = require('fastify')
const Koa = require('koa')
const { OffloopError, OverloadError, Pool, pool, transforms } = require('../..')
const { occupy } = require('../support/occupy')

const { gunzip, identity, json } = transforms
const key = Buffer.alloc(32)
const packed = require('node:zlib').gzipSync(Buffer.alloc(1000))

/** @typedef {() => Promise<unknown>} Handler */

/** @type {Record<string, [status: number, handler: Handler]>} */
const handlers = {
  'invalid data': [400, () => pool.run(json.parse(), '[1,')],
  'invalid data of a step': [400, () => pool.run(transforms.chain(gunzip(), json.parse()), Buffer.from('x'))],
  'a forged message': [400, () => pool.run(transforms.open('aes-256-gcm', key), Buffer.alloc(40))],
  'a large output': [413, () => pool.run(gunzip({ maxOutput: 10 }), packed)],
  'the values of a server': [500, () => pool.run(json.stringify({ maxOutput: 10 }), 'x'.repeat(100))],
  'a bug': [500, () => pool.run(identity(), /** @type {any} */ (1))]
}

/** @type {Record<string, (handler: Handler) => import('node:http').RequestListener | Promise<import('node:http').RequestListener>>} */
const frameworks = {
  Express(handler) {
    const app = express()
    app.set('env', 'test')
    app.get('/', handler)
    return app
  },
  async Fastify(handler) {
    const app = fastify()
    app.get('/', handler)
    await app.ready()
    return app.routing
  },
  Koa(handler) {
    const app = new Koa()
    app.silent = true
    app.use(handler)
    return app.callback()
  }
}

/**
 * @param {import('node:test').TestContext} t
 * @param {string} framework
 * @param {Handler} handler
 */
async function statusOf(t, framework, handler) {
  const server = createServer(await frameworks[framework](handler))
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const response = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })
  await response.text()
  return response.status
}

for (const framework of Object.keys(frameworks)) {
  test(`${framework} sends the status of an error`, async t => {
    for (const [name, [status, handler]] of Object.entries(handlers)) {
      assert.equal(await statusOf(t, framework, handler), status, name)
    }
  })

  test(`${framework} answers an overload with 503`, async t => {
    const full = new Pool({ threads: 1, maxQueue: 0 })
    const late = new Pool({ threads: 1, maxWait: 5 })
    const occupied = [await occupy(full), await occupy(late)]
    for (const busy of [full, late]) assert.equal(await statusOf(t, framework, () => busy.run(identity(), 'x')), 503)
    for (const { release } of occupied) await release()
    await Promise.all([full.close(), late.close()])
  })
}

test('other errors have no status', async () => {
  const closed = new Pool()
  await closed.close()
  const error = await closed.run(identity(), 'x').catch(error => error)
  assert.ok(error instanceof OffloopError && !(error instanceof OverloadError))
  assert.equal('statusCode' in error, false)
  const deep = await pool.run(json.stringify({ maxDepth: 1 }), [[1]]).catch(error => error)
  assert.deepEqual([deep.code, 'statusCode' in deep], ['ERR_OFFLOOP_INVALID_DATA', false])
  const chain = transforms.chain(json.stringify(), json.select('$..*', { maxOutput: 5 }))
  const step = await pool.run(chain, { a: 'x'.repeat(100) }).catch(error => error)
  assert.deepEqual([step.code, 'statusCode' in step], ['ERR_OFFLOOP_OUTPUT_LIMIT', false])
})
