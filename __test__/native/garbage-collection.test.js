'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child')

const index = JSON.stringify(require.resolve('../..'))

test('a running task keeps its transform alive', async () => {
  const script = `
    const { pool, transforms } = require(${index})
    const turn = () => new Promise(resolve => setImmediate(resolve))
    async function* inputs() {
      for (let i = 0; i < 50; i++) {
        gc()
        await turn() // finalizers run between iterations
        yield 'x'
      }
    }
    const collect = async () => { for (let i = 0; i < 100; i++) { gc(); await turn() } }
    ;(async () => {
      const results = await Promise.all([
        pool.map(transforms.identity(), inputs()),
        (async () => { const all = []; for await (const it of pool.iterate(transforms.identity(), inputs())) all.push(it); return all })(),
        pool.run(transforms.identity(), Buffer.alloc(200 << 20)),
        pool.run(transforms.chain(transforms.identity(), transforms.identity()), 'x'.repeat(50 << 20)),
        collect()
      ])
      console.log(results.slice(0, 4).map(result => result.length).join())
    })()
  `
  const { code, stdout, stderr } = await node(['--expose-gc', '-e', script])
  assert.deepEqual([code, stdout.trim(), stderr], [0, `50,50,${200 << 20},${50 << 20}`, ''])
})

const survives =
  Number.parseInt(process.versions.node, 10) < 22 &&
  'in Node.js 20, signals survive collections of the young generation'

test('a signal without pending tasks is collected in the young generation', { skip: survives }, async () => {
  const script = `
    const { pool, transforms } = require(${index})
    const { getHeapSpaceStatistics } = require('node:v8')
    const COUNT = 200, EACH = 10_000 * 8
    const used = () => getHeapSpaceStatistics()
      .filter(({ space_name }) => ['old_space', 'new_space'].includes(space_name))
      .reduce((sum, { space_used_size }) => sum + space_used_size, 0)
    ;(async () => {
      const identity = transforms.identity()
      gc()
      const before = used()
      for (let i = 0; i < COUNT; i++) {
        const { signal } = new AbortController()
        signal.held = new Array(EACH / 8).fill(0.5)
        await pool.run(identity, 'x', { signal })
        gc({ type: 'minor' })
      }
      console.log((used() - before) / (COUNT * EACH))
    })()
  `
  const { stdout, stderr } = await node(['--expose-gc', '-e', script])
  assert.equal(stderr, '')
  assert.ok(Number(stdout) < 0.1, `a fraction of ${stdout.trim()} was not collected`)
})
