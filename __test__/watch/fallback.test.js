'use strict'

const assert = require('node:assert/strict')
const { dirname, join } = require('node:path')
const { test } = require('node:test')
const { node } = require('../support/child')

const WATCH = require.resolve('../../watch')
const [major] = process.versions.node.split('.').map(Number)

const PROGRAM = `
const { watch } = require(${JSON.stringify(WATCH)})
const spin = ms => { const end = performance.now() + ms; while (performance.now() < end); }
const stop = watch({ threshold: 60, onBlock: block => console.log(JSON.stringify(block)) })
console.log(JSON.stringify(stop.capabilities))
setTimeout(() => {
  stop.expect(() => spin(150))
  setTimeout(() => spin(200), 50)
  setTimeout(() => { console.log(JSON.stringify(stop.stats())); stop() }, 400)
}, 50)`

/**
 * @param {string[]} flags
 * @param {Record<string, string>} [env]
 */
async function run(flags, env = {}) {
  const { code, stdout, stderr } = await node([...flags, '-e', PROGRAM], { env })
  assert.equal(code, 0, stderr)
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

/**
 * @param {any[]} lines
 * @param {RegExp} reason
 */
function assertTimers([capabilities, ...lines], reason) {
  const { missing, ...flags } = capabilities
  assert.deepEqual([...new Set(Object.values(flags))], [false])
  for (const name of Object.keys(flags)) assert.match(missing[name], reason)
  const stats = lines.at(-1)
  const [block] = lines.filter(({ duration }) => duration >= 180)
  assert.ok(block !== undefined && block.duration < 2000, JSON.stringify(lines))
  assert.deepEqual([block.samples, block.gc, block.starved, block.thread], [[], 0, 0, 0])
  assert.ok(['cpu', 'blocked'].includes(block.cause))
  assert.ok(stats.block[block.cause].count >= 1 && stats.hold === undefined)
}

test('without the addon, timers measure blocks', async () => {
  const missing = join(__dirname, 'absent.node')
  assertTimers(
    await run([], { NAPI_RS_NATIVE_LIBRARY_PATH: missing }),
    /The addon could not be loaded: .*absent\.node/s
  )
})

test('the permission model that refuses addons leaves timers', {
  skip: major < 24 && 'Node 24 and newer'
}, async () => {
  const lines = await run(['--permission', `--allow-fs-read=${dirname(WATCH)}/*`])
  assertTimers(lines, /The addon could not be loaded/)
})

test('the permission model that allows addons leaves everything', {
  skip: major < 24 && 'Node 24 and newer'
}, async () => {
  const [capabilities] = await run(['--permission', '--allow-addons', '--allow-worker', '--allow-fs-read=*'])
  assert.deepEqual([capabilities.iterations, capabilities.stacks], [true, true])
})
