'use strict'

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, test } = require('node:test')
const { factsOf } = require('../../lib/doctor/gather')
const { block } = require('../support/doctor-facts')

const folder = mkdtempSync(join(tmpdir(), 'offloop-gather-'))
after(() => rmSync(folder, { recursive: true }))

test('the measurement of a process that was killed lasts until its last row', async () => {
  const row = (/** @type {number} */ at) => ({ type: 'row', row: { at, requests: 100 } })
  const tables = [{ measured: { from: 1000, to: 1034 }, requests: { count: 7, errors: 0, routes: [] } }]
  const messages = [
    { type: 'hello', pid: 1, thread: 0, node: 'v26.0.0', cores: 2 },
    { type: 'measure', at: 1000 },
    ...[1250, 1500, 1750].map(row),
    { type: 'tables', tables }
  ]
  const { measured, processes } = await factsOf([messages], ['node'])
  assert.deepEqual(measured, { from: 1000, to: 1750 })
  assert.equal(processes[0].requests.count, 300)
})

test('a function that V8 interrupted at its beginning works where the profile says', async () => {
  const file = join(folder, 'sort.js')
  writeFileSync(file, 'const compare = (a, b) => {\n  const order = a.localeCompare(b)\n  return order\n}\n')
  const frame = { name: 'compare', file, isAsync: false, isUser: true }
  const at = (/** @type {number} */ line, /** @type {number} */ column) => [{ ...frame, line, column }]
  const blocks = async (/** @type {Record<string, number>} */ lines) => {
    const samples = [at(1, 17), at(3, 3)].map(frames => ({
      at: 25,
      capture: /** @type {const} */ ('on-time'),
      lateness: 0,
      frames
    }))
    const node = { id: 1, parent: -1, name: 'compare', file, line: 1, column: 17, self: 300, lines }
    const messages = [
      { type: 'hello', pid: 1, thread: 0, node: 'v26.0.0', cores: 2 },
      { type: 'measure', at: 0 },
      { type: 'block', block: { ...block(''), samples } },
      { type: 'profile', profile: { interval: 10, samples: 30, nodes: [node] } }
    ]
    const { processes } = await factsOf([messages], ['node', file])
    return processes[0].blocks[0].samples.map(({ frames: [{ line, column }] }) => [line, column])
  }
  assert.deepEqual(await blocks({ 2: 200, 3: 20 }), [
    [2, 3],
    [3, 3]
  ])
  // Without lines, it works at its first call of a native function.
  assert.deepEqual((await blocks({}))[0], [2, 17])
})

test('the lines of all facts are those of the sources', async () => {
  const file = join(folder, 'built.js')
  const map = { version: 3, sources: ['source.ts'], names: [], mappings: 'AAEA' }
  const url = `data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`
  writeFileSync(file, `call()\n//# sourceMappingURL=${url}\n`)
  writeFileSync(join(folder, 'source.ts'), '\n\ncall()\n')
  const site = { frames: [{ name: 'call', file, line: 1, column: 1, isAsync: false, isUser: true }] }
  const names = [
    'races',
    'downstream',
    'listeners',
    'intervals',
    'writes',
    'starts',
    'forks',
    'allocations',
    'poolCalls'
  ]
  const tables = [{ ...Object.fromEntries(names.map(name => [name, [site]])), ipc: site }]
  const messages = [
    { type: 'hello', pid: 1, thread: 0, node: 'v26.0.0', cores: 2 },
    { type: 'measure', at: 0 },
    { type: 'tables', tables }
  ]
  const { processes } = await factsOf([structuredClone(messages)], ['node', file])
  const [process] = /** @type {any[]} */ (processes)
  for (const name of [...names, 'ipc']) {
    const [{ frames }] = [process[name]].flat()
    assert.deepEqual([frames[0].file, frames[0].line], [join(folder, 'source.ts'), 3], name)
  }
})
