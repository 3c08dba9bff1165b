'use strict'

// The record ends before a signal ends a program by default; a program that handles the signal decides alone.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')
const { describe, test } = require('node:test')

const SIGNALS = join(__dirname, '..', '..', 'lib', 'doctor', 'probe', 'signals.js')
const PRELUDE = `
  require(${JSON.stringify(SIGNALS)}).beforeDefaultEnd('SIGTERM', () => console.log('recorded'))
  setInterval(() => {}, 1000)`
const READY = "console.log('ready')"
/** As packages do that clean up at each end: they raise the signal again if they alone listen to it. */
const CLEANUP = `
  process.on('SIGTERM', function cleanup() {
    console.log('cleaned')
    if (process.listenerCount('SIGTERM') > 1) return
    process.removeListener('SIGTERM', cleanup)
    process.kill(process.pid, 'SIGTERM')
  })`
const GRACEFUL = `
  process.once('SIGTERM', () => setImmediate(() => {
    console.log('graceful')
    process.exit(7)
  }))`

/**
 * Runs a program, ends it by SIGTERM, and returns its output and how it ended.
 * @param {...string} parts
 */
async function terminated(...parts) {
  const child = spawn(process.execPath, ['-e', [...parts, READY].join('\n')], { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.once('data', () => child.kill('SIGTERM'))
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { lines: output.trim().split('\n').slice(1), end: signal ?? code }
}

describe('a signal', { skip: process.platform === 'win32' && 'no signals' }, () => {
  for (const [name, parts, expected] of /** @type {const} */ ([
    ['ends a program without a listener', [PRELUDE], { lines: ['recorded'], end: 'SIGTERM' }],
    ['is handled by a listener that was there before', [GRACEFUL, PRELUDE], { lines: ['graceful'], end: 7 }],
    ['is handled by a later listener', [PRELUDE, GRACEFUL], { lines: ['graceful'], end: 7 }],
    [
      'is raised again by a listener that is alone',
      [PRELUDE, CLEANUP],
      { lines: ['cleaned', 'recorded'], end: 'SIGTERM' }
    ],
    [
      'ends a program that has removed its listener',
      [PRELUDE, 'const noop = () => {}', "process.on('SIGTERM', noop)", "process.off('SIGTERM', noop)"],
      { lines: ['recorded'], end: 'SIGTERM' }
    ],
    [
      'ends a program that has removed all listeners',
      [PRELUDE, "process.removeAllListeners('SIGTERM')"],
      { lines: ['recorded'], end: 'SIGTERM' }
    ]
  ])) {
    test(name, async () => assert.deepEqual(await terminated(...parts), expected))
  }

  test('is left to the program once the observation has ended', async () => {
    const ended = PRELUDE.replace('require', 'const end = require')
    assert.deepEqual(await terminated(ended, 'end()'), { lines: [], end: 'SIGTERM' })
  })
})
