'use strict'

// Decorators of the plugin, their scope, and invalid options.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Cache, Pool, pool, transforms } = require('../..')
const offloop = require('../../fastify')
const { listen, server } = require('../support/servers.js')

const sha256 = transforms.digest('sha256', { encoding: 'hex' })
const OF_A = 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'

/** Returns the caches untyped: users declare their types. @param {object} app */
const cachesOf = app => /** @type {any} */ (app).offloop.caches

test('uses the default pool without options', async t => {
  const app = server(t)
  app.register(offloop)
  app.post('/hash', request => app.offloop.pool.run(sha256, String(request.body)))
  const request = await listen(app)
  const response = await request('/hash', { method: 'POST', body: 'a' })
  assert.deepEqual([response.status, await response.text()], [200, OF_A])
  assert.equal(app.offloop.pool, pool)
  assert.deepEqual(app.offloop.caches, {})
  assert.ok(Object.isFrozen(app.offloop) && Object.isFrozen(app.offloop.caches))
})

test('accepts pools and caches, or creates them from options', async t => {
  const userPool = new Pool({ name: 'user', threads: 1 })
  const users = new Cache({ max: 1 })
  t.after(() => userPool.close())
  const app = server(t)
  app.register(offloop, {
    pool: userPool,
    caches: { users, pages: { max: 5, load: (/** @type {string} */ id) => `page ${id}` } }
  })
  app.get('/pages/:id', request => cachesOf(app).pages.get(/** @type {any} */ (request.params).id))
  const request = await listen(app)
  assert.equal(await (await request('/pages/7')).text(), 'page 7')
  assert.equal(app.offloop.pool, userPool)
  assert.equal(cachesOf(app).users, users)
  assert.equal(cachesOf(app).pages.stats().loads, 1)

  const other = server(t)
  other.register(offloop, { pool: { name: 'created', threads: 1, maxQueue: 3 } })
  await other.ready()
  const { name, threads, maxQueue } = other.offloop.pool
  assert.deepEqual([name, threads, maxQueue], ['created', 1, 3])
})

test('decorates the registering context and its children only', async t => {
  const app = server(t)
  app.register(async inner => {
    inner.register(offloop, { pool: { name: 'inner', threads: 1 } })
    inner.register(async innermost => {
      innermost.get('/inner', () => innermost.offloop.pool.name)
      innermost.get('/signal', (_, reply) => ({ aborted: reply.signal.aborted }))
    })
  })
  app.get('/outer', (_, reply) => ({ instance: 'offloop' in app, reply: 'signal' in reply }))
  const request = await listen(app)
  assert.equal(await (await request('/inner')).text(), 'inner')
  assert.deepEqual(await (await request('/signal')).json(), { aborted: false })
  assert.deepEqual(await (await request('/outer')).json(), { instance: false, reply: false })
})

test('a child context may have another pool; a context cannot have two', async t => {
  const app = server(t)
  app.register(offloop, { pool: { name: 'outer', threads: 1 } })
  app.register(async inner => {
    inner.register(offloop, { pool: { name: 'inner', threads: 1 } })
    inner.get('/inner', (_, reply) => `${inner.offloop.pool.name} ${reply.signal.aborted}`)
  })
  app.get('/outer', () => app.offloop.pool.name)
  const request = await listen(app)
  assert.equal(await (await request('/inner')).text(), 'inner false')
  assert.equal(await (await request('/outer')).text(), 'outer')

  const twice = server(t)
  twice.register(offloop).register(offloop)
  await assert.rejects(async () => twice.ready(), { code: 'FST_ERR_DEC_ALREADY_PRESENT' })
})

test('other plugins may depend on it by name', async t => {
  const app = server(t)
  const needs = Object.assign(async () => {}, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('plugin-meta')]: { name: 'needs', dependencies: ['offloop'], decorators: { fastify: ['offloop'] } }
  })
  app.register(offloop).register(needs)
  await app.ready()
  assert.ok(app.hasPlugin('offloop'))
  assert.match(app.printPlugins(), /offloop/)
})

for (const [name, options, expected] of /** @type {[string, any, object][]} */ ([
  ['an unknown option', { pol: {} }, { code: 'ERR_INVALID_ARG_VALUE', message: /'options\.pol' is unknown.*'pool'/ }],
  [
    'a number for a pool',
    { pool: 4 },
    { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.pool".*instance of Pool or.*type number/ }
  ],
  ['null for a pool', { pool: null }, { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.pool".*Received null/ }],
  ['a pool of another class', { pool: new Map() }, { message: /"options\.pool".*Received an instance of Map/ }],
  ['a wrong option of the pool', { pool: { threads: 0 } }, { name: 'RangeError', message: /threads/ }],
  ['a misspelled option of the pool', { pool: { thread: 1 } }, { name: 'TypeError', message: /thread/ }],
  ['a string for caches', { caches: 'users' }, { message: /"options\.caches" property must be of type object/ }],
  [
    'a cache of another class',
    { caches: { users: new Map() } },
    { message: /"options\.caches\.users".*instance of Cache or.*Map/ }
  ],
  [
    'a cache without bounds',
    { caches: { users: {} } },
    { name: 'TypeError', message: /^In options\.caches\.users: .*max/ }
  ],
  [
    'a list of caches',
    { caches: [] },
    { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.caches" property must be of type object/ }
  ],
  [
    'an unknown option of a cache',
    { caches: { users: { max: 1, tll: 5 } } },
    { code: 'ERR_INVALID_ARG_VALUE', message: /^In options\.caches\.users: The property 'options\.tll' is unknown/ }
  ],
  [
    'too many threads of a pool',
    { pool: { threads: 5000 } },
    { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /^In options\.pool: .*"options\.threads"/ }
  ],
  ['a string for retryAfter', { retryAfter: '1' }, { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.retryAfter"/ }],
  ['a negative retryAfter', { retryAfter: -1 }, { code: 'ERR_OUT_OF_RANGE', message: /"options\.retryAfter".*>= 0/ }],
  ['a fractional retryAfter', { retryAfter: 0.5 }, { code: 'ERR_OUT_OF_RANGE', message: /integer/ }]
])) {
  test(`rejects ${name}`, async t => {
    const app = server(t)
    app.register(offloop, options)
    await assert.rejects(async () => app.ready(), expected)
  })
}

test("accepts Fastify's own plugin options", async t => {
  const app = server(t)
  app.register(offloop, { prefix: '/api', logLevel: 'warn', logSerializers: {} })
  await app.ready()
  assert.equal(app.offloop.pool, pool)
})
