'use strict'

// Interrupts of programs that have changed Error, JSON or their contexts.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { setTimeout: after } = require('node:timers/promises')
const vm = require('node:vm')
const { watch } = require('../../watch')
const { collectBlocks, isIn, spin } = require('../support/blocks')
const { node } = require('../support/child')

const WATCH = JSON.stringify(require.resolve('../../watch'))
const SPIN = 'const spin = ms => { const end = performance.now() + ms; while (performance.now() < end); }'

/** Runs a program that prints JSON. @param {string} code */
async function run(code) {
  const { code: exitCode, stdout, stderr } = await node(['-e', code], { timeout: 60_000 })
  assert.equal(exitCode, 0, stderr)
  return { result: JSON.parse(stdout), lines: stderr.split('\n').filter(line => line.startsWith('{"')) }
}

for (const prepare of ['', 'Object.freeze(Error)']) {
  test(`the results of regular expressions survive a report: ${prepare || 'Error is not frozen'}`, async () => {
    const { result, lines } = await run(`
      ${prepare}
      const { watch } = require(${WATCH})
      watch({ threshold: 10, fatal: 10 })
      const text = 'aab '.repeat(9) + 'a'.repeat(18) + 'c '
      const replace = () => text.replace(/(?:(a)+)+b/g, '<$&>')
      const expected = replace()
      let wrong = 0
      const timer = setInterval(() => {
        const end = performance.now() + 50
        while (performance.now() < end) if (replace() !== expected) wrong++
      }, 5)
      setTimeout(() => { clearInterval(timer); console.log(wrong) }, 1000)`)
    assert.equal(result, 0)
    assert.ok(lines.length > 0 && lines.every(line => JSON.parse(line).offloop === 'block'))
  })
}

test('a report does not call functions that the program has replaced', async () => {
  const { result, lines } = await run(`
    const { watch } = require(${WATCH})
    ${SPIN}
    const stop = watch({ threshold: 20, fatal: 100 })
    let calls = 0
    const count = name => {
      const { [name]: original } = JSON
      JSON[name] = (...values) => { calls++; stop(); return original(...values) }
    }
    const formatter = Error.prepareStackTrace
    setTimeout(() => {
      for (const name of ['parse', 'stringify']) count(name)
      Error.prepareStackTrace = () => { calls++; stop() }
      spin(300)
      Error.prepareStackTrace = formatter
      process.stdout.write(String(calls))
    }, 50)`)
  assert.equal(result, 0)
  assert.equal(JSON.parse(lines[0]).frames.find((/** @type {any} */ frame) => frame.isUser)?.name, 'spin')
})

test('an accessor of Error is not called', async () => {
  const { result } = await run(`
    const { watch } = require(${WATCH})
    ${SPIN}
    const stop = watch({ threshold: 20, fatal: 100 })
    let calls = 0
    const counting = { get() { calls++ }, set() { calls++ }, configurable: true }
    Object.defineProperty(Error, 'stackTraceLimit', counting)
    Object.defineProperty(Error, 'prepareStackTrace', counting)
    setTimeout(() => {
      const before = calls
      spin(300)
      process.stdout.write(String(calls - before))
    }, 50)`)
  assert.equal(result, 0)
})

test('a report near the end of the stack restores the formatter', async () => {
  const { result } = await run(`
    const { watch } = require(${WATCH})
    watch({ threshold: 10, fatal: 10 })
    let end = 0
    function deep() {
      if (performance.now() > end) return
      try { deep() } catch {}
      try { deep() } catch {}
    }
    let rounds = 0
    let wrong = 0
    setTimeout(function round() {
      end = performance.now() + 30
      deep()
      if (typeof new Error('').stack !== 'string' || Error.stackTraceLimit !== 10) wrong++
      if (++rounds < 40) setTimeout(round, 1)
      else console.log(wrong)
    }, 1)`)
  assert.equal(result, 0)
})

test('a termination during a report ends the code', async () => {
  const { result } = await run(`
    const vm = require('node:vm')
    const { watch } = require(${WATCH})
    watch({ threshold: 50, fatal: 100 })
    // A long name takes long to describe.
    const call = { ['a'.repeat(1e6)]: timeout => vm.runInNewContext('for (;;);', {}, { timeout }) }
    const [name] = Object.keys(call)
    const times = []
    setTimeout(function next() {
      const began = performance.now()
      try { call[name](100 + times.length * 2) } catch { times.push(performance.now() - began) }
      if (times.length < 6) return setTimeout(next, 5)
      console.log(JSON.stringify({ times, limit: Error.stackTraceLimit, text: typeof new Error('').stack }))
    }, 10)`)
  assert.ok(Math.max(...result.times) < 5000, `${result.times}`)
  assert.deepEqual([result.limit, result.text], [10, 'string'])
})

test('a report has a name that is not well-formed', async () => {
  const { lines } = await run(`
    const { watch } = require(${WATCH})
    ${SPIN}
    watch({ threshold: 50, fatal: 100 })
    setTimeout({ ['a\\ud800']: () => { spin(300); Math.abs(1) } }['a\\ud800'], 20)
    console.log(0)`)
  const { frames } = JSON.parse(lines[0])
  assert.ok(
    frames.some((/** @type {any} */ { name }) => name === 'a\ufffd'),
    lines[0]
  )
})

test('blocks in other contexts are reported with any formatter of stacks', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 20, maxPerStack: Infinity }))
  const context = vm.createContext({ spin })
  for (const formatter of ['undefined', '() => { throw new Error() }', '(_, sites) => sites.map(String)', '() => 5']) {
    vm.runInContext(`Error.prepareStackTrace = ${formatter}`, context)
    await after(5)
    vm.runInContext('(function inContext() { const end = Date.now() + 120; while (Date.now() < end); })()', context)
    const { samples } = await next(block => block.duration >= 100)
    if (formatter === 'undefined') assert.equal(samples[0].frames[0].name, 'inContext')
  }
})

test('evaluated code has the position of its evaluation', async t => {
  const { next } = collectBlocks(t)
  t.after(watch({ threshold: 20 }))
  await after(5)
  new Function('spin', 'return (function evaluated() { spin(120); Math.abs(1) })()')(spin)
  const { samples } = await next(block => isIn(block, 'evaluated'))
  const frame = samples[0].frames.find(({ name }) => name === 'evaluated')
  assert.deepEqual([frame?.file, frame?.isUser], [__filename, true])
})
