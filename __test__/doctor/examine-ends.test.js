'use strict'

// Ends of processes that examine themselves: nothing stays, and signals and listeners are those of the program.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, readdirSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')
const { test } = require('node:test')

const DOCTOR = join(__dirname, '..', '..', 'doctor.js')
const EVENTS = ['exit', 'beforeExit', 'SIGINT', 'SIGTERM', 'newListener', 'removeListener', 'uncaughtException']

/**
 * Runs a program that examines itself, in a new directory for temporary files. Sends SIGINT once the program has written.
 * @param {import('node:test').TestContext} t
 * @param {string} program
 */
async function ended(t, program) {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-ends-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const code = `
    const { examine } = require(${JSON.stringify(DOCTOR)})
    ;(async () => { ${program} })()`
  const child = spawn(process.execPath, ['-e', code], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder, TEMP: folder, TMP: folder }
  })
  child.stdout.once('data', () => child.kill('SIGINT'))
  const [output, errors, [exitCode, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit')
  ])
  return { output, errors, end: signal ?? exitCode, left: readdirSync(folder) }
}

test('a test that fails leaves no files', async t => {
  const { errors, end, left } = await ended(t, "await examine(); throw new Error('The test fails')")
  assert.match(errors, /The test fails/)
  assert.deepEqual([end, left], [1, []])
})

test('a process that exits leaves no files', async t => {
  const { end, left } = await ended(t, 'await examine(); process.exit(3)')
  assert.deepEqual([end, left], [3, []])
})

test('a process without further work ends', async t => {
  const { end, left } = await ended(t, 'await examine()')
  assert.deepEqual([end, left], [0, []])
})

test('an examination that cannot start leaves no files and stops', async t => {
  const { output, left } = await ended(
    t,
    `const { Session } = require('node:inspector')
    Session.prototype.post = () => { throw new Error('The inspector is mine') }
    await examine().catch(({ message }) => process.exitCode = message === 'The inspector is mine' ? 0 : 1)
    const { channel } = require('node:diagnostics_channel')
    console.log(channel('http.server.request.start').hasSubscribers)`
  )
  assert.deepEqual([output, left], ['false\n', []])
})

test('SIGINT ends a blocked loop and leaves no files', {
  skip: process.platform === 'win32' && 'no signals'
}, async t => {
  const { output, end, left } = await ended(
    t,
    `await examine()
      require('node:fs').writeSync(1, 'blocked')
      for (const end = Date.now() + 20_000; Date.now() < end; );
      console.log('still alive')
      process.exit()`
  )
  assert.deepEqual([output, end, left], ['blocked', 'SIGINT', []])
})

test('the listeners of the process are those of the program', async t => {
  const counts = `${JSON.stringify(EVENTS)}.map(name => process.listenerCount(name)).join()`
  const { end } = await ended(
    t,
    `const before = ${counts}; await examine(); process.exit(${counts} === before ? 4 : 5)`
  )
  assert.equal(end, 4)
})
