'use strict'

// Watches, threads and processes that end.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { readdirSync, readlinkSync } = require('node:fs')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')
const { test } = require('node:test')
const { setTimeout: after } = require('node:timers/promises')
const { Worker } = require('node:worker_threads')
const { watch } = require('../../watch')
const { spin } = require('../support/blocks')
const { node } = require('../support/child')

const WATCH = JSON.stringify(require.resolve('../../watch'))
const AUTO = join(__dirname, '../../lib/watch/auto.js')
const SPIN = 'const spin = ms => { const end = performance.now() + ms; while (performance.now() < end); }'
const isLinux = process.platform === 'linux'

/** Counts the files of watched threads that this process has open. */
function filesOfThreads() {
  const files = readdirSync('/proc/self/fd').map(name => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`)
    } catch {
      return ''
    }
  })
  return files.filter(file => /\/task\/\d+\/|cpu\.stat$/.test(file)).length
}

/** Waits until no watched thread has an open file: a watchdog may be looking at one. */
async function noFiles() {
  for (let attempts = 0; filesOfThreads() > 0; attempts++) {
    assert.ok(attempts < 500, `${filesOfThreads()} files`)
    await after(20)
  }
}

test('watches that are stopped in the same iteration close their files', {
  skip: !isLinux && 'needs /proc'
}, async () => {
  await noFiles()
  for (let count = 0; count < 2000; count++) watch()()
  assert.ok(filesOfThreads() < 100, `${filesOfThreads()} files`)
  await noFiles()
})

test('a thread that is terminated in native code closes its files', { skip: !isLinux && 'needs /proc' }, async () => {
  const code = `
    require(${WATCH}).watch({ threshold: 10 })
    setTimeout(() => {
      require('node:worker_threads').parentPort.postMessage('begins')
      require('node:crypto').pbkdf2Sync('a', 'b', 300_000, 32, 'sha1')
    }, 1)`
  for (let count = 0; count < 10; count++) {
    const worker = new Worker(code, { eval: true })
    await once(worker, 'message')
    await after(30)
    await worker.terminate()
  }
  await noFiles()
})

test('auto does not end a program whose standard error is closed', { skip: !isLinux && 'needs a shell' }, async () => {
  const code = `${SPIN}; setTimeout(() => spin(200), 50); setTimeout(() => console.log('alive'), 400)`
  const child = spawn(process.execPath, ['-r', AUTO, '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr.destroy()
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.deepEqual([output, exitCode], ['alive\n', 0])
})

test('threads that are blocked together are reported together', async () => {
  const code = `
    const { Worker } = require('node:worker_threads')
    const blocked = \`${SPIN}
      const { parentPort } = require('node:worker_threads')
      require(${WATCH.replaceAll('"', "'")}).watch({ threshold: 50, fatal: 300 })
      parentPort.once('message', () => { spin(1000); parentPort.close() })
      parentPort.postMessage('ready')\`
    const workers = Array.from({ length: 3 }, () => new Worker(blocked, { eval: true }))
    let ready = 0
    for (const worker of workers) worker.once('message', () => {
      if (++ready === workers.length) for (const each of workers) each.postMessage('block')
    })`
  const { code: exitCode, stderr } = await node(['-e', code], { timeout: 60_000 })
  assert.equal(exitCode, 0, stderr)
  const threads = stderr
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).thread)
  assert.deepEqual(threads.sort(), [1, 2, 3])
})

for (const end of ['stop', 'pause']) {
  test(`${end} in a subscriber that blocks the loop itself`, async t => {
    const stop = watch({ threshold: 20, maxPerMinute: Infinity, maxPerStack: Infinity, onBlock })
    t.after(stop)
    let calls = 0
    function onBlock() {
      calls++
      spin(60)
      if (end === 'stop') stop()
      else stop.pause()
    }
    await after(5)
    spin(100)
    while (calls === 0) await after(5)
    await after(50)
    assert.ok(calls <= 3, `${calls} calls`)
  })
}

test('auto leaves the threads of a pool alone', async () => {
  const code = `
    const { Pool, transforms } = require(${JSON.stringify(require.resolve('../..'))})
    const pool = new Pool({ threads: 1 })
    const spin = transforms.worker(${JSON.stringify(join(__dirname, '../fixtures/watch/spin.js'))})
    pool.run(spin, 400).then(result => { console.log(result); return pool.close() })`
  const env = { OFFLOOP_WATCH: 'threshold=300,fatal=300,fatalExit=true' }
  const { code: exitCode, stdout, stderr } = await node(['-r', AUTO, '-e', code], { env })
  assert.deepEqual([stdout, exitCode], ['400\n', 0], stderr)
})

test('auto warns if blocks have no stacks, and can be switched off', async () => {
  const limited = await node(['--no-addons', '-r', AUTO, '-e', ''])
  assert.equal(limited.code, 0)
  assert.match(
    limited.stderr,
    /OffloopWarning: offloop\/watch reports blocks without stacks\. The addon could not be loaded/
  )
  const off = await node(['-r', AUTO, '-e', 'console.log(process.listenerCount("exit"))'], {
    env: { OFFLOOP_WATCH: 'off' }
  })
  assert.deepEqual([off.stdout, off.stderr], ['0\n', ''])
})

for (const flags of [[], ['--no-addons']]) {
  test(`a block before the end of the process is reported, and an error of onBlock fails it ${flags}`, async () => {
    const code = `${SPIN}
      require(${WATCH}).watch({ threshold: 50, onBlock: () => { throw new Error('of onBlock') } })
      setTimeout(() => spin(200), 20)
      setTimeout(() => { spin(200); process.exit() }, 20)`
    const { code: exitCode, stderr } = await node([...flags, '-e', code])
    assert.notEqual(exitCode, 0)
    assert.match(stderr, /of onBlock/)
  })

  test(`a paused watch stays paused after expect ${flags}`, async () => {
    const code = `${SPIN}
      const stop = require(${WATCH}).watch({ threshold: 50, onBlock: () => console.log('block') })
      setTimeout(() => {
        stop.pause()
        stop.expect(() => {})
        setTimeout(() => spin(200), 20)
        setTimeout(() => { stop.resume(); stop.expect(() => stop()); setTimeout(() => spin(200), 20) }, 300)
      }, 100)`
    const { stdout, stderr } = await node([...flags, '-e', code])
    assert.deepEqual([stdout.replace(/^block\n/, ''), stderr], ['', ''], 'at most the start of the program')
  })
}
