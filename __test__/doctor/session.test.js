'use strict'

// The probes leave a program alone: they touch none of its files, and none of their errors reaches it.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { Journal } = require('../../lib/doctor/probe/journal')
const { probed } = require('../support/doctor-probes')

const { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } = fs
const SERVER = "require('node:http').createServer(() => {}).listen(0)"
/** Closes the files of the probes, as a daemon closes all descriptors. */
const CLOSE = `
  const fs = require('node:fs')
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    try {
      if (fs.readlinkSync('/proc/self/fd/' + fd).includes('offloop-doctor-')) fs.closeSync(Number(fd))
    } catch {}
  }`
/** Opens files, which get the free descriptors. */
const OPEN = `
  const { openSync, readFileSync } = require('node:fs')
  const { join } = require('node:path')
  const paths = Array.from({ length: 40 }, (_, index) => join(process.env.FILES, String(index)))
  for (const path of paths) openSync(path, 'w')`
const PRINT = "console.log(paths.map(path => readFileSync(path, 'utf8')).join(''))"

/** Makes the folder of the files. @param {import('node:test').TestContext} t */
function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), 'offloop-session-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Returns the texts of the files in a folder. @param {string} folder */
function textsIn(folder) {
  return readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))
}

test('a server that listens after the measurement finds its files empty', async t => {
  process.env.FILES = folderOf(t)
  const program = probed(
    t,
    `${SERVER}
    process.stdin.once('data', () => {
      ${OPEN}
      ${SERVER}.on('listening', () => {
        ${PRINT}
        process.exit()
      })
    })`
  )
  await program.recorded('measure')
  program.finish()
  await program.recorded('end')
  program.goOn()
  const { output, end, messages } = await program.end()
  assert.deepEqual([output, end], ['\n', 0])
  assert.equal(messages.filter(({ type }) => type === 'listening').length, 1)
})

test('a program that closes all descriptors is recorded to its end, and finds its files empty', {
  skip: process.platform !== 'linux' && 'needs /proc'
}, async t => {
  process.env.FILES = folderOf(t)
  const program = probed(
    t,
    `${SERVER}
      process.stdin.once('data', () => {
        ${CLOSE}
        ${OPEN}
        ${SERVER}.on('listening', () => process.exit())
        process.on('exit', () => {
          ${PRINT}
        })
      })`
  )
  await program.recorded('measure')
  program.goOn()
  const { output, end, messages } = await program.end()
  assert.deepEqual([output, end], ['\n', 0])
  assert.equal(messages.filter(({ type }) => type === 'listening').length, 2)
  assert.equal(messages.at(-2).type, 'end')
  assert.equal(messages.at(-1).type, 'tables')
})

for (const [name, ending, expected] of /** @type {const} */ ([
  ['exit', 'process.exit(5)', 5],
  ['SIGTERM', "process.kill(process.pid, 'SIGTERM')", 'SIGTERM']
])) {
  test(`a probe that fails at the end does not change an end by ${name}`, {
    skip: process.platform === 'win32' && name === 'SIGTERM' && 'no signals'
  }, async t => {
    const program = probed(
      t,
      `${SERVER}
        process.stdin.once('data', () => {
          const { Session } = require('node:inspector')
          const { post } = Session.prototype
          Session.prototype.post = function (method, ...args) {
            if (/Profile/.test(method)) throw new Error('The inspector is mine')
            return Reflect.apply(post, this, [method, ...args])
          }
          process.on('uncaughtException', () => process.reallyExit(9))
          ${ending}
        })`
    )
    await program.recorded('measure')
    program.goOn()
    const { output, end, messages } = await program.end()
    assert.deepEqual([output, end], ['', expected])
    assert.ok(messages.some(({ type, message }) => type === 'fault' && message === 'The inspector is mine'))
    const tables = Object.assign({}, ...messages.at(-1).tables)
    assert.ok('races' in tables && 'processorTime' in tables)
  })
}

test('a session that ends as it starts leaves no listeners', async t => {
  const program = probed(
    t,
    `${SERVER}.on('listening', () => {
      console.log(['exit', 'SIGINT', 'SIGTERM', 'newListener'].map(name => process.listenerCount(name)).join())
      process.exit()
    })`
  )
  program.finish()
  const { output, messages } = await program.end()
  assert.equal(messages.find(({ type }) => type === 'end').end.kind, 'finished')
  assert.match(output, /^0,0,0,/)
})

test('a program whose classes are frozen is not observed, and goes on', async t => {
  const folder = folderOf(t)
  const freeze = join(folder, 'freeze.js')
  fs.writeFileSync(freeze, "Object.freeze(require('node:net').Server.prototype)")
  const { NODE_OPTIONS = '' } = process.env
  process.env.NODE_OPTIONS = `--require ${freeze.replaceAll('\\', '/')}`
  const program = probed(t, "console.log('goes on')")
  process.env.NODE_OPTIONS = NODE_OPTIONS
  const { output, end, messages } = await program.end()
  assert.deepEqual([output, end], ['goes on\n', 0])
  assert.deepEqual(
    messages.map(({ type }) => type),
    ['refused']
  )
})

test('lines that cannot be written wait for the next flush', t => {
  const folder = folderOf(t)
  const [facts, away] = [join(folder, 'facts'), join(folder, 'away')]
  mkdirSync(facts)
  const journal = new Journal({ directory: facts, reader: process.pid }, 0)
  renameSync(facts, away)
  journal.add({ type: 'hello' })
  journal.flush()
  renameSync(away, facts)
  journal.close()
  assert.deepEqual(textsIn(facts), ['{"type":"hello"}\n'])
})

test('a journal calls no replaced function of fs', t => {
  const folder = folderOf(t)
  const journal = new Journal({ directory: folder, reader: process.pid }, 0)
  const replaced = /** @type {const} */ (['openSync', 'writeSync', 'writeFileSync', 'appendFileSync', 'closeSync'])
  const calls = replaced.map(name => t.mock.method(fs, name).mock)
  journal.add({ type: 'hello' })
  journal.flush()
  journal.replaceTables([])
  const counts = calls.map(mock => mock.callCount())
  t.mock.restoreAll()
  assert.deepEqual(counts, [0, 0, 0, 0, 0])
  assert.equal(textsIn(folder).join(''), '{"type":"hello"}\n[]')
})

test('a closed journal writes nothing', t => {
  const folder = folderOf(t)
  const journal = new Journal({ directory: folder, reader: process.pid }, 0)
  journal.add({ type: 'hello' })
  journal.close()
  journal.add({ type: 'late' })
  journal.flush()
  assert.deepEqual(textsIn(folder), ['{"type":"hello"}\n'])
})
