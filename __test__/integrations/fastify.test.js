'use strict'

// What the plugin adds to a server, where it can be seen, and which options it refuses.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Cache, Pool, pool, transforms } = require('../..')
const offloop = require('../../fastify')
const { listen, server } = require('../support/servers.js')

const sha256 = transforms.digest('sha256', { encoding: 'hex' })
const OF_A = 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'

/** Caches are typed by whoever declares them; here they are what they are. @param {object} app @returns {any} */
const cachesOf = app => /** @type {any} */ (app).offloop.caches

test('routes find the process-wide pool where none was asked for', async t => {
  const app = server(t)
  app.register(offloop)
  app.post('/hash', request => app.offloop.pool.run(sha256, String(request.body)))
  const ask = await listen(app)
  const response = await ask('/hash', { method: 'POST', body: 'a' })
  assert.deepEqual([response.status, await response.text()], [200, OF_A])
  assert.equal(app.offloop.pool, pool)
  assert.deepEqual(app.offloop.caches, {})
  assert.ok(Object.isFrozen(app.offloop) && Object.isFrozen(app.offloop.caches))
})

test('pools and caches are made of options, or taken as they are', async t => {
  const mine = new Pool({ name: 'handed in', threads: 1 })
  const users = new Cache({ max: 1 })
  t.after(() => mine.close())
  const app = server(t)
  app.register(offloop, {
    pool: mine,
    caches: { users, pages: { max: 5, load: (/** @type {string} */ id) => `page ${id}` } }
  })
  app.get('/pages/:id', request => cachesOf(app).pages.get(/** @type {any} */ (request.params).id))
  const ask = await listen(app)
  assert.equal(await (await ask('/pages/7')).text(), 'page 7')
  assert.equal(app.offloop.pool, mine)
  assert.equal(cachesOf(app).users, users)
  assert.equal(cachesOf(app).pages.stats().loads, 1)

  const other = server(t)
  other.register(offloop, { pool: { name: 'made', threads: 1, maxQueue: 3 } })
  await other.ready()
  const { name, threads, maxQueue } = other.offloop.pool
  assert.deepEqual([name, threads, maxQueue], ['made', 1, 3])
})

test('what a context registers is seen there and within, and nowhere else', async t => {
  const app = server(t)
  app.register(async inner => {
    inner.register(offloop, { pool: { name: 'inner', threads: 1 } })
    inner.register(async innermost => {
      innermost.get('/inner', () => innermost.offloop.pool.name)
      innermost.get('/signal', (_, reply) => ({ aborted: reply.signal.aborted }))
    })
  })
  app.get('/outer', (_, reply) => ({ instance: 'offloop' in app, reply: 'signal' in reply }))
  const ask = await listen(app)
  assert.equal(await (await ask('/inner')).text(), 'inner')
  assert.deepEqual(await (await ask('/signal')).json(), { aborted: false })
  assert.deepEqual(await (await ask('/outer')).json(), { instance: false, reply: false })
})

test('a context within may have a pool of its own; one context has one', async t => {
  const app = server(t)
  app.register(offloop, { pool: { name: 'outer', threads: 1 } })
  app.register(async inner => {
    inner.register(offloop, { pool: { name: 'inner', threads: 1 } })
    inner.get('/inner', (_, reply) => `${inner.offloop.pool.name} ${reply.signal.aborted}`)
  })
  app.get('/outer', () => app.offloop.pool.name)
  const ask = await listen(app)
  assert.equal(await (await ask('/inner')).text(), 'inner false')
  assert.equal(await (await ask('/outer')).text(), 'outer')

  const twice = server(t)
  twice.register(offloop).register(offloop)
  await assert.rejects(async () => twice.ready(), { code: 'FST_ERR_DEC_ALREADY_PRESENT' })
})

test('plugins may depend on it by name', async t => {
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

for (const [what, options, expected] of /** @type {[string, any, object][]} */ ([
  [
    'an option that is unknown',
    { pol: {} },
    { code: 'ERR_INVALID_ARG_VALUE', message: /'options\.pol' is unknown.*'pool'/ }
  ],
  [
    'a number for a pool',
    { pool: 4 },
    { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.pool".*instance of Pool or.*type number/ }
  ],
  ['null for a pool', { pool: null }, { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.pool".*Received null/ }],
  ['a pool of another kind', { pool: new Map() }, { message: /"options\.pool".*Received an instance of Map/ }],
  ['a wrong option of the pool', { pool: { threads: 0 } }, { name: 'RangeError', message: /threads/ }],
  ['a misspelt option of the pool', { pool: { thread: 1 } }, { name: 'TypeError', message: /thread/ }],
  ['no object for caches', { caches: 'users' }, { message: /"options\.caches" property must be of type object/ }],
  [
    'a cache of another kind',
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
  ['a text for retryAfter', { retryAfter: '1' }, { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.retryAfter"/ }],
  ['a negative retryAfter', { retryAfter: -1 }, { code: 'ERR_OUT_OF_RANGE', message: /"options\.retryAfter".*>= 0/ }],
  ['half a second', { retryAfter: 0.5 }, { code: 'ERR_OUT_OF_RANGE', message: /integer/ }]
])) {
  test(`refuses ${what}`, async t => {
    const app = server(t)
    app.register(offloop, options)
    await assert.rejects(async () => app.ready(), expected)
  })
}

test('takes the options that Fastify itself gives to plugins', async t => {
  const app = server(t)
  app.register(offloop, { prefix: '/api', logLevel: 'warn', logSerializers: {} })
  await app.ready()
  assert.equal(app.offloop.pool, pool)
})
