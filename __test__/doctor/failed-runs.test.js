'use strict'

// Runs whose program or load generator fails: every format says so.

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { withCaveats } = require('../../lib/doctor/caveats')
const { github } = require('../../lib/doctor/report/github')
const { html } = require('../../lib/doctor/report/html')
const { markdown } = require('../../lib/doctor/report/markdown')
const { sarif } = require('../../lib/doctor/report/sarif')
const { terminal } = require('../../lib/doctor/report/terminal')
const { doctorOf } = require('../support/doctor-cli')
const { ROOT, fixtureReport } = require('../support/doctor-reports')

const SERVER = `
  let count = 0
  require('node:http').createServer((_request, response) => {
    if (++count === 2000) FAIL
    response.end()
  }).listen(process.env.PORT)`
const FORMATS = ['--format', 'terminal,html,json,md,sarif,github']
const LOAD = ['--load', '/', '-c', '4', '-d', '5', '--warmup', '0', ...FORMATS]
const ON_LISTEN = ['--on-listen', 'exit 3', '--warmup', '1', ...FORMATS]

for (const [what, fault, options, reason] of /** @type {const} */ ([
  ['a program crashes', "throw new Error('over')", LOAD, 'the program ended with exit code 1'],
  ['a program is killed', "process.kill(process.pid, 'SIGKILL')", LOAD, 'the program was killed by SIGKILL'],
  ['a load generator fails', '{}', ON_LISTEN, 'the load generator ended with exit code 3']
])) {
  test(`the report says that ${what}`, { skip: process.platform === 'win32' && 'no signals' }, async t => {
    const { folder, run } = doctorOf(t, { 'server.js': SERVER.replace('FAIL', fault) })
    const { code, output, report } = await run('doctor', ...options, '--', process.execPath, 'server.js')
    assert.deepEqual([code, report?.verdict], [2, 'inconclusive'])
    assert.ok(report?.reason?.startsWith(reason), report?.reason)
    const textOf = (/** @type {string} */ name) => readFileSync(join(folder, 'offloop-doctor', name), 'utf8')
    assert.ok(output.includes(`? Inconclusive: ${reason}`), output)
    assert.match(output, new RegExp(`^::warning .*${reason}`, 'm'))
    for (const name of ['doctor.html', 'doctor.md']) assert.ok(textOf(name).includes(`Inconclusive: ${reason}`), name)
    const [{ executionSuccessful, toolExecutionNotifications }] = JSON.parse(textOf('doctor.sarif')).runs[0].invocations
    assert.equal(executionSuccessful, false)
    assert.ok(toolExecutionNotifications[0].message.text.includes(reason))
  })
}

test('findings stay the verdict of a program that fails, and every format has the reason', () => {
  const reason = 'the program was killed by SIGKILL'
  const report = withCaveats({ ...fixtureReport(), verdict: 'findings' }, ['The program was killed by SIGKILL'])
  assert.deepEqual([report.verdict, report.reason], ['findings', reason])
  for (const format of [github, html, markdown, sarif, terminal]) {
    assert.ok(format(report, { root: ROOT }).includes(reason), format.name)
  }
  const [{ executionSuccessful }] = JSON.parse(sarif(report)).runs[0].invocations
  assert.equal(executionSuccessful, false)
})

test('a reason of the judge stays', () => {
  const judged = { ...fixtureReport(), verdict: /** @type {const} */ ('inconclusive'), reason: 'nothing was measured' }
  assert.equal(withCaveats(judged, ['The program failed']).reason, 'the program failed; nothing was measured')
  assert.equal(withCaveats(judged, []), judged)
})
