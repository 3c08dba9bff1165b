'use strict'

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')
const { watch } = require('../../watch')
const { node } = require('../support/child')

test('refuses bad options', () => {
  for (const [options, code, message] of /** @type {[any, string, RegExp][]} */ ([
    [null, 'ERR_INVALID_ARG_TYPE', /The "options" argument must be of type object\. Received null/],
    [5, 'ERR_INVALID_ARG_TYPE', /Received type number \(5\)/],
    [{ treshold: 5 }, 'ERR_INVALID_ARG_VALUE', /'options\.treshold' is unknown\. The options are 'threshold', 'fatal'/],
    [{ threshold: '100' }, 'ERR_INVALID_ARG_TYPE', /"options\.threshold" property must be of type number/],
    [{ threshold: 9 }, 'ERR_OUT_OF_RANGE', /"options\.threshold" .* an integer >= 10 && <= 60000\. Received 9/],
    [{ threshold: Number.NaN }, 'ERR_OUT_OF_RANGE', /Received NaN/],
    [{ threshold: 200, fatal: 199 }, 'ERR_OUT_OF_RANGE', /"options\.fatal" .* >= 200 .* Received 199/],
    [{ fatalExit: 1 }, 'ERR_INVALID_ARG_TYPE', /"options\.fatalExit" property must be of type boolean/],
    [{ maxPerMinute: -1 }, 'ERR_OUT_OF_RANGE', /"options\.maxPerMinute"/],
    [{ maxPerStack: 1.5 }, 'ERR_OUT_OF_RANGE', /"options\.maxPerStack"/],
    [{ onBlock: 'log' }, 'ERR_INVALID_ARG_TYPE', /"options\.onBlock" property must be of type function/]
  ])) {
    assert.throws(() => watch(options), { code, message }, JSON.stringify(options))
  }
  watch({ threshold: undefined, fatal: Infinity, maxPerMinute: Infinity, maxPerStack: 0 })()
})

const AUTO = join(__dirname, '../../lib/watch/auto.js')
const BLOCK =
  'setTimeout(function block() { const end = performance.now() + 150; while (performance.now() < end); }, 50)'

test('auto prints blocks as lines of JSON, with options of the environment', async () => {
  const run = (/** @type {string} */ options) => node(['-r', AUTO, '-e', BLOCK], { env: { OFFLOOP_WATCH: options } })
  const { code, stderr } = await run('threshold=50, fatal=Infinity, maxPerStack=Infinity')
  assert.equal(code, 0, stderr)
  const lines = stderr
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const block = lines.find(({ samples }) => samples[0]?.frames.some((/** @type {any} */ { name }) => name === 'block'))
  assert.ok(block.offloop === 'block' && block.pid > 0 && block.duration >= 145, stderr)
  const quiet = await run('threshold=60000')
  assert.deepEqual([quiet.code, quiet.stderr], [0, ''])
})

test('auto names the fault in the variable', async () => {
  for (const [options, message] of /** @type {[string, RegExp][]} */ ([
    [
      'threshold',
      /OFFLOOP_WATCH must be off, or key=value,key=value with the keys threshold, fatal, .* Received 'threshold'/
    ],
    ['onBlock=x', /Received 'onBlock=x'/],
    ['threshold=50,threshold=60', /OFFLOOP_WATCH must hold each key once/],
    ['fatal=Infinity,fatalExit=true', /"OFFLOOP_WATCH\.fatalExit" property must be false if .* is Infinity/],
    ['threshold=fast', /"OFFLOOP_WATCH\.threshold" property must be of type number\. Received type string \('fast'\)/],
    ['fatalExit=yes', /"OFFLOOP_WATCH\.fatalExit" property must be of type boolean/]
  ])) {
    const { code, stderr } = await node(['-r', AUTO, '-e', ''], { env: { OFFLOOP_WATCH: options } })
    assert.equal(code, 1)
    assert.match(stderr, message)
  }
})

test('an endless loop is reported while it spins', async () => {
  const endless = `async function job() { await null; (function endless() { for (;;); })() } setTimeout(job, 20)`
  const env = { OFFLOOP_WATCH: 'threshold=50,fatal=300,fatalExit=true' }
  const { code, signal, stderr } = await node(['-r', AUTO, '-e', endless], { env, timeout: 60_000 })
  assert.deepEqual([code, signal], process.platform === 'win32' ? [134, null] : [null, 'SIGABRT'], stderr)
  const report = JSON.parse(stderr.slice(0, stderr.indexOf('\n')))
  const { offloop, pid, thread, age, cause, capture, stack, frames, time } = report
  assert.deepEqual([offloop, thread, frames[0].name], ['block', 0, 'endless'])
  assert.match(stack, /^Error: .*\n {4}at endless \(.*\n {4}at .*\bjob /)
  assert.ok(pid > 0 && age >= 300 && Math.abs(Date.now() - time) < 60_000)
  assert.ok(['on-time', 'late'].includes(capture) && ['cpu', 'starved'].includes(cause), stderr)
})
