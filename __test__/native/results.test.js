'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child')

const index = JSON.stringify(require.resolve('../..'))

test('large results are external memory that V8 accounts for and releases', async () => {
  const script = `
    const { pool, transforms } = require(${index})
    const identity = transforms.identity()
    const turn = () => new Promise(resolve => setImmediate(resolve))
    const used = () => process.memoryUsage().external
    ;(async () => {
      await pool.run(identity, Buffer.alloc(1000))
      const input = Buffer.alloc(10 << 20)
      const before = used()
      const results = []
      for (let i = 0; i < 10; i++) results.push(await pool.run(identity, input))
      // Node.js before 26 retains the last settled value until another one settles.
      await pool.run(identity, 'x')
      const retained = used() - before
      results.length = 0
      while (used() - before > 1 << 20) { gc(); await turn() }
      console.log(JSON.stringify({ retained, left: used() - before }))
    })()
  `
  const { code, stdout, stderr } = await node(['--expose-gc', '-e', script])
  assert.equal(code, 0, stderr)
  const { retained, left } = JSON.parse(stdout)
  assert.ok(retained >= 99 << 20 && retained < 110 << 20, `V8 accounts for ${retained} bytes`)
  assert.ok(left < 1 << 20)
})

test('results are writable and cloneable, and outlive their pool', async () => {
  const { Pool, transforms } = require('../..')
  const pool = new Pool()
  const outputs = await pool.map(transforms.identity(), [Buffer.alloc(10, 1), Buffer.alloc(100_000, 1)])
  await pool.close()
  for (const output of outputs) {
    output.fill(2)
    assert.deepEqual(Buffer.from(structuredClone(output)), Buffer.alloc(output.length, 2))
  }
})
