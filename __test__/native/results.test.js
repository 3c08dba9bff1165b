'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child')

const index = JSON.stringify(require.resolve('../..'))

test('large results are external memory that V8 knows of and that goes with them', async () => {
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
      // Node.js before 26 holds on to the last value that settled until another does.
      await pool.run(identity, 'x')
      const held = used() - before
      results.length = 0
      while (used() - before > 1 << 20) { gc(); await turn() }
      console.log(JSON.stringify({ held, left: used() - before }))
    })()
  `
  const { code, stdout, stderr } = await node(['--expose-gc', '-e', script])
  assert.equal(code, 0, stderr)
  const { held, left } = JSON.parse(stdout)
  assert.ok(held >= 99 << 20 && held < 110 << 20, `V8 was told of ${held} bytes`)
  assert.ok(left < 1 << 20)
})

test('results may be written to, transferred by structuredClone and outlive their pool', async () => {
  const { Pool, transforms } = require('../..')
  const pool = new Pool()
  const outputs = await pool.map(transforms.identity(), [Buffer.alloc(10, 1), Buffer.alloc(100_000, 1)])
  await pool.close()
  for (const output of outputs) {
    output.fill(2)
    assert.deepEqual(Buffer.from(structuredClone(output)), Buffer.alloc(output.length, 2))
  }
})
