'use strict'

// Runs every JavaScript block of the page about frameworks and checks each value behind an arrow.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { test } = require('node:test')
const { Pool, signalOf, transforms } = require('../..')
const { codeBlocks, root, runBlock } = require('../support/documents')
const { deferred } = require('../support/deferred')
const { occupy } = require('../support/occupy')

const blocks = codeBlocks('docs/frameworks.md').filter(({ info }) => info === 'js')
const db = { user: async (/** @type {string} */ id) => ({ id, name: `user ${id}` }) }

test('the page has its blocks in this order', () => {
  assert.deepEqual(
    blocks.map(({ where }) => where.split(',')[0]),
    [
      'Fastify',
      'Express',
      'Koa',
      'JSON bodies and gzip',
      'JSON bodies and gzip',
      'Choose an encoding',
      'Limit the size of an upload',
      'Shutdown without Fastify'
    ]
  )
})

for (const block of blocks) {
  test(`${block.path}: ${block.where}`, async () => {
    let checked = 0
    await runBlock(block, { require: createRequire(join(root, 'index.js')), db }, (actual, expected) => {
      checked++
      assert.deepEqual(actual, expected)
    })
    assert.ok(checked > 0, 'the block has no result to check')
  })
}

/**
 * Returns the application of a block, which ends in a request to it.
 * @param {string} heading
 * @returns {Promise<any>}
 */
function application(heading) {
  const block = blocks.find(({ where }) => where.startsWith(heading))
  assert.ok(block !== undefined)
  const [code] = block.code.split('const server =')
  return runBlock(
    { ...block, code: `${code}return app\n` },
    { require: createRequire(join(root, 'index.js')) },
    () => {}
  )
}

for (const [framework, addRoute] of /** @type {[string, (app: any, work: (response: any) => unknown) => void][]} */ ([
  ['Express', (app, work) => app.get('/work', (/** @type {any} */ _, /** @type {any} */ response) => work(response))],
  ['Koa', (app, work) => app.use((/** @type {any} */ context) => work(context.res))]
])) {
  test(`${framework}: an expected error prints nothing, and an overload has Retry-After`, async t => {
    /** @type {string[]} */
    const printed = []
    const isPrinted = deferred()
    t.mock.method(console, 'error', (/** @type {unknown} */ error) => {
      printed.push(String(error))
      if (String(error).includes('a bug')) isPrinted.resolve(undefined)
    })
    const pool = new Pool({ threads: 1, maxQueue: 0 })
    const app = await application(framework)
    /** @type {(response: any) => unknown} */
    let work = () => pool.run(transforms.identity(), 'x')
    if (framework === 'Koa') app.middleware.pop() // the handler of the block
    addRoute(app, response => work(response))
    // The error handler of Express comes last.
    if (framework === 'Express') app.router.stack.splice(-2, 0, app.router.stack.pop())
    const server = app.listen(0)
    t.after(() => server.close())
    const url = `http://localhost:${server.address().port}/work`
    const get = async () => {
      const { status, headers } = await fetch(url, { headers: { connection: 'close' } })
      return [status, headers.get('retry-after')]
    }

    const { release } = await occupy(pool)
    assert.deepEqual(await get(), [503, '1'])
    await release()
    work = () => pool.run(transforms.gunzip(), Buffer.from('no gzip'))
    assert.deepEqual(await get(), [400, null])

    const client = new AbortController()
    const failed = deferred()
    work = async response => {
      client.abort()
      const signal = signalOf(response)
      if (!signal.aborted) await once(signal, 'abort')
      await pool.run(transforms.identity(), 'x', { signal }).catch(error => {
        setImmediate(failed.resolve) // after the framework has handled it
        throw error
      })
    }
    await assert.rejects(fetch(url, { signal: client.signal }), { name: 'AbortError' })
    await failed.promise

    work = () => Promise.reject(new Error('a bug'))
    assert.deepEqual(await get(), [500, null])
    await isPrinted.promise
    assert.deepEqual(printed, ['Error: a bug'])
  })
}
