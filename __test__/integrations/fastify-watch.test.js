'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const offloop = require('../../fastify')
const { collectBlocks, isIn, spin } = require('../support/blocks')
const { listen, server } = require('../support/servers')

test('the plugin watches the event loop until the server closes', async t => {
  const { blocks, next } = collectBlocks(t)
  const app = server(t)
  /** @type {import('../../watch').Block[]} */
  const received = []
  app.register(offloop, { watch: { threshold: 20, onBlock: block => received.push(block) } })
  app.get('/block', async function blocks() {
    spin(120)
    return 'done'
  })
  const send = await listen(app)
  /** @type {import('../../watch').Block | undefined} */
  let found
  next(block => isIn(block, 'blocks')).then(block => {
    found = block
  })
  // A machine without a free core may capture no stack in a block.
  while (found === undefined) assert.equal((await send('/block')).status, 200)
  assert.deepEqual(found.request, { method: 'GET', route: '/block', certainty: 'exact' })
  assert.ok(received.some(block => isIn(block, 'blocks')))
  await app.close()
  blocks.length = 0
  spin(120)
  await new Promise(resolve => setTimeout(resolve, 10))
  assert.deepEqual(blocks, [])
})

test('the plugin refuses bad options of the watch', async t => {
  for (const [options, message] of /** @type {[any, RegExp][]} */ ([
    [5, /The "options\.watch" property must be of type object\. Received type number/],
    [{ threshold: 1 }, /In options\.watch: The value of "options\.threshold" is out of range/]
  ])) {
    const app = server(t)
    app.register(offloop, { watch: options })
    await assert.rejects(async () => app.ready(), message)
  }
})
