'use strict'

// Ends of runs: each process of the program ends, and nothing stays of a doctor that was killed.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { availableParallelism } = require('node:os')
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { describe, test } = require('node:test')
const { doctorOf } = require('../support/doctor-cli')

const HELLO = `
  require('node:http').createServer((_request, response) => response.end('hello')).listen(process.env.ADDRESS ?? process.env.PORT)`
const LOAD = ['--load', '/', '-c', '2', '-d', '1', '--warmup', '0', '--format', 'json']

describe('a run', { skip: process.platform === 'win32' && 'no signals' }, () => {
  test('ends the program although a shell does not pass on the signal', async t => {
    const { run } = doctorOf(t, { 'hello.js': HELLO })
    const { errors, report } = await run(
      'doctor',
      ...LOAD,
      '--',
      'sh',
      '-c',
      `"${process.execPath}" hello.js; echo over`
    )
    // `run` has waited for the end of the output, which the server inherits.
    assert.ok((report?.requests ?? 0) > 0, errors)
  })

  for (const script of ['server', 'dormant']) {
    test(`ends the ${script} of a shell that gets a signal`, async t => {
      const { start } = doctorOf(t, {
        'server.js': `${HELLO}.on('listening', () => console.error('started'))`,
        'dormant.js': "setInterval(() => {}, 1000); console.error('started')"
      })
      const { child, written, result } = start(['doctor', '--', 'sh', '-c', `"${process.execPath}" ${script}.js; true`])
      await written('started')
      child.kill('SIGTERM')
      // Waits for the end of the output, which the script inherits.
      assert.equal((await result).code, 3)
    })
  }

  for (const [count, trap] of /** @type {const} */ ([
    [1, ''],
    [2, 'trap "" INT TERM; ']
  ])) {
    const skip = !existsSync('/proc/self/stat') && 'only Linux has files with start times'
    test(`ends programs that are not Node.js, below a shell, after ${count} Ctrl-C`, { skip }, async t => {
      const { start } = doctorOf(t, {})
      const script = `${trap}(echo started >&2; sleep 15; echo over >&2); true`
      const { child, written, result } = start(['doctor', '--', 'sh', '-c', script])
      await written('started')
      for (let sent = 0; sent < count; sent++) child.kill('SIGINT')
      assert.doesNotMatch((await result).errors, /over/)
    })
  }

  test('without a server begins with the first process of Node.js', async t => {
    const { run } = doctorOf(t, { 'job.js': 'setInterval(() => {}, 100)' })
    const { errors, report } = await run(
      'doctor',
      '--for',
      '1',
      '--',
      'sh',
      '-c',
      `NODE_OPTIONS= "${process.execPath}" -e 'console.error("built")'; exec "${process.execPath}" job.js`
    )
    assert.match(errors, /built[\s\S]*measuring for 1 s/)
    assert.equal(report?.processes.length, 1, errors)
  })

  test('kills a process without a server at the second Ctrl-C', async t => {
    const { start } = doctorOf(t, {
      'dormant.js': `
        setInterval(() => {}, 1000)
        process.on('SIGTERM', () => console.error('SIGTERM'))
        console.error('started')`
    })
    const { child, written, result } = start(['doctor', '--', 'sh', '-c', `"${process.execPath}" dormant.js; true`])
    await written('started')
    child.kill('SIGINT')
    await written('SIGTERM')
    child.kill('SIGINT')
    assert.equal((await result).code, 3)
  })

  for (const [kind, command] of Object.entries({
    'a load generator': 'trap "" TERM; sleep 15; echo over >&2',
    'processes of a load generator': '(trap "" TERM; sleep 15; echo over >&2) & exit 0'
  })) {
    test(`kills ${kind} after a SIGTERM without effect`, async t => {
      const { run } = doctorOf(t, { 'hello.js': HELLO })
      const options = ['--warmup', '0', '-d', '0.5', '--on-listen', command]
      const { errors } = await run('doctor', ...options, '--', process.execPath, 'hello.js')
      assert.match(errors, /listening on/)
      assert.doesNotMatch(errors, /over/)
    })
  }

  test('whose command line is killed leaves no files', async t => {
    const { start } = doctorOf(t, {
      'job.js': `
        const { existsSync } = require('node:fs')
        const { directory } = JSON.parse(process.env.OFFLOOP_DOCTOR)
        setInterval(() => existsSync(directory) || process.exit(), 20)`
    })
    const { child, written } = start(['doctor', '--for', '3600', '--', process.execPath, 'job.js'])
    await written('measuring for')
    child.kill('SIGKILL')
    // The program has the other end of the pipe.
    await once(child.stdout.resume(), 'end')
  })

  test('loads a server on the path of a socket', async t => {
    const { folder, run } = doctorOf(t, { 'hello.js': HELLO.replace('process.env.ADDRESS', "'a b.sock'") })
    const { errors, report } = await run('doctor', ...LOAD, '--', process.execPath, 'hello.js')
    assert.match(errors, /listening on unix:a b\.sock/, join(folder, 'a b.sock'))
    assert.ok((report?.requests ?? 0) > 100, errors)
  })
})

test('a program that removes the temporary directory is reported', async t => {
  const { run } = doctorOf(t, {
    'cleaner.js': `
      const { readFileSync, rmSync } = require('node:fs')
      const { join } = require('node:path')
      const { directory } = JSON.parse(process.env.OFFLOOP_DOCTOR)
      const path = join(directory, 'command.json')
      const timer = setInterval(() => {
        if (JSON.parse(readFileSync(path)).phase !== 'measure') return
        clearInterval(timer)
        rmSync(directory, { recursive: true })
      }, 10)
      ${HELLO}`
  })
  const { code, errors, report } = await run('doctor', '--warmup', '0', '-d', '1', '--', process.execPath, 'cleaner.js')
  assert.match(errors, /The temporary directory cannot be used: ENOENT/)
  assert.doesNotMatch(errors, /^ +at /m)
  assert.deepEqual([code, report?.processes.length], [2, 1])
})

test('a load generator gets the options of the user, without probes', async t => {
  const { run } = doctorOf(t, { 'hello.js': HELLO })
  process.env.NODE_OPTIONS = '--stack-trace-limit=7'
  t.after(() => delete process.env.NODE_OPTIONS)
  const command = `"${process.execPath}" -e "console.error(Error.stackTraceLimit, process.env.NODE_OPTIONS, process.env.OFFLOOP_DOCTOR)"`
  const load = ['--warmup', '0', '--on-listen', command]
  const { errors } = await run('doctor', ...load, '--', process.execPath, 'hello.js')
  assert.match(errors, /^7 --stack-trace-limit=7 undefined$/m)
})

test('a load generator that fails is reported, and the run fails', async t => {
  const { run } = doctorOf(t, { 'hello.js': HELLO })
  const load = ['--warmup', '0', '--on-listen', `"${process.execPath}" -e "process.exit(3)"`]
  const { code, errors, report } = await run('doctor', ...load, '--', process.execPath, 'hello.js')
  assert.match(errors, /The load generator ended with exit code 3/)
  assert.deepEqual([code, report?.verdict], [2, 'inconclusive'])
})

for (const [kind, options] of Object.entries({ server: LOAD, job: ['--for', '1'] })) {
  test(`a ${kind} that cannot load the addon is not observed, and goes on`, async t => {
    const { folder, run } = doctorOf(t, { 'server.js': HELLO, 'job.js': 'setInterval(() => {}, 100)' })
    process.env.NAPI_RS_NATIVE_LIBRARY_PATH = join(folder, 'none.node')
    t.after(() => delete process.env.NAPI_RS_NATIVE_LIBRARY_PATH)
    const { code, errors, report } = await run('doctor', ...options, '--', process.execPath, `${kind}.js`)
    assert.match(errors, /The program cannot be observed: .*cannot load the addon/)
    assert.deepEqual([code, report?.verdict, report?.cores], [2, 'inconclusive', availableParallelism()])
  })
}
