'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')
const { test } = require('node:test')
const { isIn } = require('../support/blocks')
const { node } = require('../support/child')

/** @typedef {import('../../watch').Block} Block */

const FIXTURE = join(__dirname, '../fixtures/watch/blocks.js')
const isLinux = process.platform === 'linux'

/**
 * Runs the fixture and returns the block that it caused.
 * @param {string} kind
 * @param {string[]} [flags] of Node
 * @returns {Promise<Block>}
 */
async function blockOf(kind, flags = []) {
  const { code, stdout, stderr } = await node([...flags, FIXTURE, kind])
  assert.equal(code, 0, stderr)
  const lines = stdout.trim().split('\n')
  const blocks = lines.map(line => JSON.parse(line))
  const start = blocks.findIndex(block => 'capabilities' in block)
  // A busy machine may add others.
  const [longest] = blocks.slice(start + 1).sort((one, other) => other.duration - one.duration)
  assert.ok(longest !== undefined, stdout)
  return longest
}

/** Returns the names of user frames of the first stack. @param {Block} block */
function userNames({ samples }) {
  return samples[0].frames.filter(frame => frame.isUser).map(({ name, isAsync }) => (isAsync ? `async ${name}` : name))
}

/**
 * Asserts that a block on a machine that may be busy has this cause.
 * @param {Block} block
 * @param {Block['cause']} cause
 */
function assertCause(block, cause) {
  if (block.starved > 0.3 * block.duration) return
  assert.equal(block.cause, cause, JSON.stringify(block))
}

for (const flags of [[], ['--jitless']]) {
  test(`names a loop of JavaScript ${flags}`, async () => {
    const block = await blockOf('spin', flags)
    assertCause(block, 'cpu')
    assert.ok(block.duration >= 195, `${block.duration}`)
    assert.deepEqual(userNames(block).slice(0, 3), ['spin', 'spin', 'guilty'])
    assert.equal(userNames(block).at(-1)?.startsWith('async'), true, `${userNames(block)}`)
    if (block.starved < 5) assert.equal(block.samples[0].capture, 'on-time')
    assert.equal(block.samples[0].frames.find(frame => frame.isUser)?.file, FIXTURE)
  })
}

test('names a function that is in a regular expression or in JSON.parse', async () => {
  for (const [kind, name] of [
    ['backtrack', 'backtrack'],
    ['parse', 'parseAgain']
  ]) {
    const block = await blockOf(kind)
    assertCause(block, 'cpu')
    assert.equal(userNames(block)[0], name)
  }
})

test('names the native function that Node wraps', async () => {
  const block = await blockOf('hash')
  assertCause(block, 'native')
  const names = block.samples[0].frames.map(frame => frame.name)
  assert.ok(names.includes('pbkdf2Sync'), `${names}`)
  assert.equal(block.samples[0].capture, 'late')
  assert.ok(block.samples[0].lateness > 5)
})

test('distinguishes a wait in a system call from a computation', { skip: !isLinux && 'needs /proc' }, async () => {
  const block = await blockOf('exec')
  assert.equal(block.cause, 'blocked', JSON.stringify(block))
  assert.match(block.systemCall ?? '', /^(epoll_pwait|wait4|waitid|ppoll|read|futex)$/)
  const names = block.samples[0].frames.map(frame => frame.name)
  assert.ok(names.includes('execSync'), `${names}`)
})

test('leaves an announced computation out of the cause', { skip: !isLinux && 'needs /proc' }, async () => {
  const block = await blockOf('expected')
  assert.equal(block.cause, 'blocked', JSON.stringify(block))
  assert.ok(block.duration < 590, `${block.duration}`)
})

test('distinguishes a stopped process', { skip: !isLinux && 'needs signals and /proc' }, async () => {
  const block = await blockOf('suspend')
  assert.equal(block.cause, 'suspended', JSON.stringify(block))
  assert.ok(block.own < block.duration / 2, JSON.stringify(block))
})

test('distinguishes a thread that got no core', { skip: !isLinux && 'needs taskset and /proc' }, async t => {
  const onOneCore = (/** @type {string[]} */ args) => spawn('taskset', ['-c', '0', process.execPath, ...args])
  for (let neighbours = 0; neighbours < 4; neighbours++) {
    const neighbour = onOneCore(['-e', 'process.stdout.write("."); for (;;);'])
    t.after(() => neighbour.kill('SIGKILL'))
    await once(neighbour.stdout, 'data')
  }
  const child = onOneCore([FIXTURE, 'spin'])
  const blocks = (await text(child.stdout))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const spun = blocks.find(block => 'duration' in block && isIn(block, 'spin'))
  assert.equal(spun?.cause, 'starved', JSON.stringify(blocks))
})

test('measures garbage collections', async () => {
  const block = await blockOf('collect')
  assert.ok(block.gc > 0, JSON.stringify(block))
  assert.ok(block.gc <= block.duration)
})

for (const kind of ['exit', 'last']) {
  test(`reports a block before the process ends: ${kind}`, async () => {
    const block = await blockOf(kind)
    assert.ok(block.duration >= 115)
    assert.ok(userNames(block).includes('spin'))
  })
}

/**
 * Runs a program that watches with a threshold of 50 ms, and returns its blocks of at least 100 ms.
 * @param {string} code
 */
async function blocksOf(code) {
  const path = JSON.stringify(join(__dirname, '../../watch'))
  const report = 'block => console.log(JSON.stringify(block))'
  const {
    code: exitCode,
    stdout,
    stderr
  } = await node([
    '-e',
    `require(${path}).watch({ threshold: 50, maxPerMinute: Infinity, maxPerStack: Infinity, onBlock: ${report} })
    ${code}`
  ])
  assert.equal(exitCode, 0, stderr)
  const lines = stdout.split('\n').filter(line => line !== '')
  // A busy machine may hold the loop without a core.
  return lines.map(line => JSON.parse(line)).filter(({ duration, starved }) => duration - starved >= 100)
}

test('a signal that interrupts an idle wait causes no block', { skip: !isLinux && 'signals of Linux' }, async () => {
  const blocks = await blocksOf(`
    let count = 0
    const next = () => require('node:child_process').spawn('sh', ['-c', 'sleep 0.2; kill -USR2 ' + process.pid])
    process.on('SIGUSR2', () => (++count < 10 ? next() : process.exit()))
    setInterval(() => {}, 1e6)
    next()`)
  assert.deepEqual(blocks, [])
})

test('a CPU profile of an idle loop causes no block', async () => {
  const blocks = await blocksOf(`
    const { Session } = require('node:inspector')
    const session = new Session()
    session.connect()
    session.post('Profiler.enable')
    session.post('Profiler.setSamplingInterval', { interval: 10_000 })
    session.post('Profiler.start')
    let count = 0
    setInterval(() => { if (++count === 3) process.exit() }, 500)`)
  assert.deepEqual(blocks, [])
})
