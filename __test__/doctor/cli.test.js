'use strict'

const assert = require('node:assert/strict')
const { existsSync, mkdirSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { version } = require('../../package.json')
const { doctorOf } = require('../support/doctor-cli')

const HELLO = `
  require('node:http').createServer((_request, response) => response.end('hello')).listen(process.env.PORT)`

const HANDLER = `
  const http = require('node:http')
  function heavyCompute() {
    const end = performance.now() + 40
    while (performance.now() < end); // guilty
  }
  http.createServer((_request, response) => {
    heavyCompute()
    response.end()
  }).listen(process.env.PORT)`

const LOAD = ['--load', '/', '-c', '4', '-d', '5', '--warmup', '0.5']

test('a handler that computes is named, and the run fails', async t => {
  const { folder, run } = doctorOf(t, { 'handler.js': HANDLER })
  const { code, output, errors, report } = await run('doctor', ...LOAD, '--', process.execPath, 'handler.js')
  assert.equal(code, 1, errors)
  const [finding, ...others] = report?.findings ?? []
  assert.deepEqual(others, [])
  assert.deepEqual([finding.rule, finding.id, finding.confidence], [6, 'handler', 'certain'])
  assert.deepEqual([finding.file, finding.line, finding.function], [join(folder, 'handler.js'), 5, 'heavyCompute'])
  assert.match(output, /heavyCompute/)
  assert.match(readFileSync(join(folder, 'offloop-doctor', 'doctor.html'), 'utf8'), /heavyCompute/)
  assert.match(errors, /doctor\.html/)
})

test('a healthy server is left in peace', async t => {
  const { run } = doctorOf(t, { 'hello.js': HELLO })
  const { code, errors, report } = await run('doctor', ...LOAD, '--', process.execPath, 'hello.js')
  assert.deepEqual([code, report?.verdict], [0, 'clean'], errors)
  // A busy machine may add a hint.
  assert.deepEqual(
    report?.findings.filter(({ confidence }) => confidence !== 'possible'),
    [],
    errors
  )
  assert.ok((report?.requests ?? 0) > 200)
})

test('the load is that of the HTTP server, also after a server of another protocol', async t => {
  const { run } = doctorOf(t, {
    'two.js': `
      const net = require('node:net').createServer(socket => socket.destroy())
      net.listen(0, () => {${HELLO}})`
  })
  const { code, errors, report } = await run('doctor', ...LOAD, '--', process.execPath, 'two.js')
  assert.equal(code, 0, errors)
  assert.ok((report?.requests ?? 0) > 200, errors)
})

test('the load waits for all workers of a cluster', async t => {
  const { run } = doctorOf(t, {
    'cluster.js': `
      const cluster = require('node:cluster')
      const serve = () => {${HELLO}}
      if (cluster.isPrimary) for (const delay of [0, 1000]) cluster.fork({ DELAY: delay })
      else setTimeout(serve, process.env.DELAY)`
  })
  const { errors, report } = await run('doctor', ...LOAD, '--', process.execPath, 'cluster.js')
  const served = report?.processes.map(({ requests }) => requests).filter(requests => requests > 0)
  assert.equal(served?.length, 2, errors)
})

test('the load is not that of an upstream in the same process', async t => {
  const { run } = doctorOf(t, {
    'two.js': `
      const http = require('node:http')
      const upstream = http.createServer((_request, response) => response.writeHead(503).end())
      upstream.listen(0, () => {${HELLO}})`
  })
  const options = [...LOAD, '--fail', 'request.errors>0', '--format', 'json']
  const { code, errors, report } = await run('doctor', ...options, '--', process.execPath, 'two.js')
  assert.equal(code, 0, errors)
  assert.ok((report?.requests ?? 0) > 200, errors)
})

test('figures fail a run by their conditions', async t => {
  const { run } = doctorOf(t, { 'hello.js': HELLO })
  const conditions = ['--fail', 'none', '--fail', 'request.p99<1s', '--fail', 'request.errors>0', '--format', 'json']
  const { code, report } = await run('doctor', ...LOAD, ...conditions, '--', process.execPath, 'hello.js')
  assert.equal(code, 1)
  assert.deepEqual(
    report?.conditions.map(({ condition, failed }) => [condition, failed]),
    [
      ['none', false],
      ['request.p99<1s', true],
      ['request.errors>0', false]
    ]
  )
})

test('a program without a server is observed', async t => {
  const { run } = doctorOf(t, {
    'job.mjs': `
      function sumUp() {
        const end = performance.now() + 100
        while (performance.now() < end);
      }
      setInterval(sumUp, 150)`
  })
  const { code, errors, report } = await run('doctor', '--for', '5', '--', process.execPath, 'job.mjs')
  assert.equal(code, 1, errors)
  assert.deepEqual(
    report?.findings.map(({ rule, function: name }) => [rule, name]),
    [[6, 'sumUp']]
  )
})

test('a program that crashes under load is reported', async t => {
  const { run } = doctorOf(t, {
    'crash.js': `
      let count = 0
      ${HANDLER.replace('heavyCompute()\n    response', "heavyCompute()\n    if (++count > 40) throw new Error('over')\n    response")}`
  })
  const { code, errors, report } = await run('doctor', ...LOAD, '--', process.execPath, 'crash.js')
  assert.equal(code, 2, errors)
  assert.match(errors, /The program ended with exit code 1/)
  assert.equal(report?.findings[0]?.function, 'heavyCompute')
})

test('a program that is killed is reported', async t => {
  const { run } = doctorOf(t, {
    'killed.js': `${HANDLER}
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 4500)`
  })
  const { code, errors, report } = await run('doctor', ...LOAD, '--', process.execPath, 'killed.js')
  assert.equal(code, 2, errors)
  assert.match(errors, /The program was killed by SIGKILL/)
  assert.equal(report?.findings[0]?.function, 'heavyCompute')
})

test('a program that cannot be started fails', async t => {
  const { run } = doctorOf(t, {})
  const missing = await run('doctor', '--', 'no-such-program')
  assert.equal(missing.code, 2)
  assert.match(missing.errors, /The program could not be started: spawn no-such-program ENOENT/)
  const broken = await run('doctor', '--', process.execPath, 'no-such-file.js')
  assert.equal(broken.code, 2)
  assert.match(broken.errors, /The program ended with exit code 1/)
})

test('too little is inconclusive', async t => {
  const { run } = doctorOf(t, { 'hello.js': HELLO })
  const load = ['--load', '/', '-c', '1', '-R', '20', '-d', '1', '--warmup', '0']
  const { code, errors, report } = await run('doctor', ...load, '--', process.execPath, 'hello.js')
  assert.deepEqual([code, report?.verdict], [3, 'inconclusive'], errors)
})

test('Ctrl-C ends the run with a report', { skip: process.platform === 'win32' && 'no signals' }, async t => {
  const { start } = doctorOf(t, { 'job.js': "setInterval(() => {}, 10); console.error('started')" })
  const { child, written, result } = start(['doctor', '--for', '3600', '--', process.execPath, 'job.js'])
  await Promise.all([written('measuring for'), written('started')])
  child.kill('SIGINT')
  const { code, errors, report } = await result
  assert.equal(code, 3, errors)
  assert.equal(report?.verdict, 'inconclusive')
})

test('another load ends the run', async t => {
  const { run } = doctorOf(t, {
    'hello.js': HELLO,
    'load.mjs': `
      for (let count = 0; count < 2000; count++) await (await fetch(process.env.OFFLOOP_URL)).text()`
  })
  const load = ['--warmup', '0', '--on-listen', `"${process.execPath}" load.mjs`]
  const { code, errors, report } = await run('doctor', ...load, '--', process.execPath, 'hello.js')
  assert.equal(code, 0, errors)
  assert.ok((report?.requests ?? 0) > 1000, `${report?.requests}`)
})

test('wrong use is explained', async t => {
  const { folder, run } = doctorOf(t, { 'other.json': '{}' })
  for (const [args, message] of /** @type {[string[], RegExp][]} */ ([
    [['doctor'], /The command of the program is missing/],
    [['doctr'], /The commands are doctor and report, not "doctr"/],
    [['report'], /One file is expected/],
    [['report', 'none.json'], /none.json cannot be read/],
    [['report', 'other.json'], /other.json is not a report of the doctor/]
  ])) {
    const { code, errors } = await run(...args)
    assert.equal(code, 2)
    assert.match(errors, message)
  }
  assert.equal(existsSync(join(folder, 'offloop-doctor')), false)
  const { code, output } = await run('--help')
  assert.equal(code, 0)
  assert.match(output, /Usage: offloop doctor/)
  for (const option of ['--version', '-v']) assert.equal((await run(option)).output, `${version}\n`)
})

test('a temporary directory that cannot be used is explained', async t => {
  const { folder, run } = doctorOf(t, {})
  const variable = process.platform === 'win32' ? 'TEMP' : 'TMPDIR'
  const before = process.env[variable]
  process.env[variable] = join(folder, 'none')
  t.after(() => {
    if (before === undefined) delete process.env[variable]
    else process.env[variable] = before
  })
  const { code, errors } = await run('doctor', '--', process.execPath)
  assert.equal(code, 2)
  assert.match(errors, /^offloop: The temporary directory ".*none" cannot be used: ENOENT.* TMPDIR sets another one$/m)
  assert.doesNotMatch(errors, /^ +at /m)
})

test('a report whose path is a directory is refused before the run', async t => {
  const { folder, run } = doctorOf(t, { 'job.js': "console.error('started')" })
  mkdirSync(join(folder, 'offloop-doctor', 'doctor.json'), { recursive: true })
  const { code, errors } = await run('doctor', '--for', '1', '--', process.execPath, 'job.js')
  assert.equal(code, 2)
  assert.match(errors, /^offloop: --output: ".*doctor\.json" cannot be written: it is a directory$/m)
  assert.doesNotMatch(errors, /started/)
})

test('a report that cannot be written leaves the others', async t => {
  const { folder, run } = doctorOf(t, { 'job.js': "require('node:fs').mkdirSync('offloop-doctor/doctor.json')" })
  const { code, errors } = await run('doctor', '--for', '1', '--format', 'json,md', '--', process.execPath, 'job.js')
  assert.equal(code, 2)
  assert.match(errors, /^offloop: ".*doctor\.json" cannot be written: EISDIR/m)
  assert.doesNotMatch(errors, /^ +at /m)
  assert.match(readFileSync(join(folder, 'offloop-doctor', 'doctor.md'), 'utf8'), /Inconclusive/)
})
