'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const vm = require('node:vm')
const { awaitLoop, functionsAround, isAwaited, loopBody } = require('../../lib/doctor/source/loops.js')

/**
 * Returns the loop at the position of `^` in a text.
 * @param {string} marked
 */
function at(marked) {
  const before = marked.slice(0, marked.indexOf('^')).split('\n')
  return awaitLoop(marked.replace('^', ''), before.length, (before.at(-1) ?? '').length + 1)
}

/** @type {[string, { kind: string, line: number } | undefined][]} */
const CASES = [
  ['async function f(l) {\n for (const x of l) await ^g(x)\n}', { kind: 'for of', line: 2 }],
  ['async function f(l) {\n for (const x of l) ^await g(x)\n}', { kind: 'for of', line: 2 }],
  ['async function f(l) {\n for (const x of l) {\n const y = (await o.^g(x)).y\n}}', { kind: 'for of', line: 2 }],
  ['async function f(l) { for (let i = 0; i < 9; i++) { if (await ^g(i)) break } }', { kind: 'for', line: 1 }],
  ['async function f(l) { for (const k in l) await ^g(k) }', { kind: 'for in', line: 1 }],
  ['async function f(l) { while (await ^g()) {} }', { kind: 'while', line: 1 }],
  ['async function f(l) { do { await ^g() } while (l) }', { kind: 'do', line: 1 }],
  ['async function f(l) { for await (const x of ^g()) {} }', { kind: 'for await', line: 1 }],
  ['async function f(l) { for await (const x of l) { await ^g(x) } }', { kind: 'for await', line: 1 }],
  ['async function f(l) { for (const x of l) for (const y of x)\n await ^g(y) }', { kind: 'for of', line: 1 }],
  ['async function f(l) { for (const x of l) await Promise.all([^g(x)]) }', { kind: 'for of', line: 1 }],
  ['const f = async l => { for (const x of l) await ^g(x) }', { kind: 'for of', line: 1 }],
  ['class A { async f(l) { for (const x of l) await this.^g(x) } }', { kind: 'for of', line: 1 }],
  ['for (const x of l) await ^g(x)\nexport {}', { kind: 'for of', line: 1 }],
  ['l.forEach(async x => { await ^g(x) })', { kind: 'forEach', line: 1 }],
  ['l.reduce(async (p, x) => { await p; await ^g(x) }, 0)', { kind: 'reduce', line: 1 }],
  ['l.reduce((p, x) => p.then(() => ^g(x)), 0)', { kind: 'reduce', line: 1 }],
  ['with (o) { async function f(l) { for (const x of l) await ^g(x) } }', { kind: 'for of', line: 1 }],
  ['#!/usr/bin/env node\nasync function f(l) { for (const x of l) await ^g(x) }', { kind: 'for of', line: 2 }],

  // Without a repeated await.
  ['async function f(l) { await ^g(l) }', undefined],
  ['function f(l) { for (const x of l) ^g(x) }', undefined],
  ['async function f(l) { for (const x of l) { ^g(x); await h(x) } }', undefined],
  ['async function f(l) { for (const x of await ^g(l)) {} }', undefined],
  ['async function f(l) { for (let i = await ^g(l); i < 9; i++) {} }', undefined],
  ['async function f(l) { for (const k in await ^g(l)) {} }', undefined],
  ['async function f(l) { for (;;) { try { return await ^g(l) } catch {} } }', undefined],
  ['async function f(l) { for (;;) throw await ^g(l) }', undefined],
  ['async function f(l) { for (const x of l) { const h = async () => { await ^g(x) } } }', undefined],
  ['async function f(l) { for (const x of l) await Promise.all(x.map(y => ^g(y))) }', undefined],
  ['l.map(async x => { await ^g(x) })', undefined],
  ['l.forEach(x => { ^g(x) })', undefined],

  // Functions of a list.
  ['async function f(l) { for (const hook of l) await ^hook(1) }', undefined],
  ['async function f(l) { for (const hook of l) ^await hook(1) }', undefined],
  ['async function f(l) { for (const [name, { run }] of l) await ^run(name) }', undefined],
  ['async function f(l) { for (const layer of l) await layer.handlers.^run(1) }', undefined],
  ['async function f(l) { for (const { hooks } of l) for (const hook of hooks) await ^hook(1) }', undefined],
  ['async function f(l) { for (const p of l) for (const hook of p.hooks) await ^hook(1) }', undefined],
  [
    'async function f(l, rules) { for (const x of l)\nfor (const rule of rules) await rule.^of(x) }',
    { kind: 'for of', line: 1 }
  ],

  ['^', undefined]
]

for (const [text, loop] of CASES) {
  test(text, () => assert.deepEqual(at(text), loop))
}

const STRIPS = 'stripTypeScriptTypes' in require('node:module')

test('types are left out as Node.js leaves them out, without a warning', async () => {
  /** @type {unknown[]} */
  const warnings = []
  const record = (/** @type {unknown} */ warning) => warnings.push(warning)
  process.on('warning', record)
  const loop = at('async function f(l: string[]): Promise<void> {\n for (const x of l) await ^g(x as any)\n}')
  assert.deepEqual(loop, STRIPS ? { kind: 'for of', line: 2 } : undefined)
  assert.equal(at('enum A { B }\nasync function f(l) { for (const x of l) await ^g(x) }'), undefined)
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', record)
  assert.deepEqual(warnings, [])
})

test('a position outside the text has no loop', () => {
  assert.equal(awaitLoop('for (const x of l) await g(x)', 9, 1), undefined)
  assert.equal(awaitLoop('for (const x of l) await g(x)', 1, 900), undefined)
})

test('code that is too deep for the parser throws nothing', () => {
  const sum = Array.from({ length: 50_000 }, () => 'a').join(' + ')
  assert.doesNotThrow(() => awaitLoop(`async () => { for (;;) await f(${sum}) }`, 1, 40))
  assert.deepEqual(awaitLoop('async () => { for (;;) await f() }', 1, 30), { kind: 'for', line: 1 })
})

/** Functions that call `mark` in each second pass, awaited in a loop. */
const RUN = `
async function work() { mark() }
async function late() { await null; mark() }
async function* values() { for (let i = 0; i < 3; i++) { mark(); yield i } }
({
  async first(l) { for (const x of l) await work(x) },
  async resumed(l) { for (const x of l) { await late(x) } },
  async values() { for await (const x of values()) {} },
  async all(l) { for (const x of l) await Promise.all([work(x)]) },
  async plain(l) { await work(); await late() }
})`

test('positions of V8 are those of the call, or of await', async () => {
  /** @type {[name: string, line: number, column: number][]} */
  let frames = []
  const mark = () => {
    const { prepareStackTrace } = Error
    Error.prepareStackTrace = (_, sites) => sites
    const sites = /** @type {NodeJS.CallSite[]} */ (/** @type {unknown} */ (new Error().stack))
    Error.prepareStackTrace = prepareStackTrace
    const own = sites.filter(site => site.getFileName() === 'run.js')
    frames = own.map(site => [site.getFunctionName() ?? '', site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0])
  }
  const functions = vm.runInThisContext(`(mark => {${RUN.replace('({', 'return ({')}})`, { filename: 'run.js' })(mark)
  const text = `(mark => {${RUN.replace('({', 'return ({')}})`
  /** @type {Record<string, string | undefined>} */
  const found = {}
  for (const [name, run] of Object.entries(functions)) {
    await run([1, 2, 3])
    const loops = frames.map(([, line, column]) => awaitLoop(text, line, column))
    found[name] = loops.find(Boolean)?.kind
  }
  assert.deepEqual(found, { first: 'for of', resumed: 'for of', values: 'for await', all: 'for of', plain: undefined })
})

test('functions around a position, innermost first', () => {
  const text = 'function a() {\n  return x.then(y => b(y))\n}\nclass C { get() { b() } }'
  assert.deepEqual(functionsAround(text, 2, 22), ['2:16', '1:0'])
  assert.deepEqual(functionsAround(text, 4, 19), ['4:13'])
  assert.deepEqual(functionsAround(text, 4, 1), [])
  assert.deepEqual(functionsAround('not JavaScript', 1, 1), [])
})

test('a call that its own function awaits', () => {
  const text = 'async function f() { const a = (await g(1)).b; return h(() => g(2)) }'
  assert.equal(isAwaited(text, 1, text.indexOf('g(1)') + 1), true)
  assert.equal(isAwaited(text, 1, text.indexOf('g(2)') + 1), false)
  assert.equal(isAwaited('async () => { await f(() => g()) }', 1, 29), false)
})

describe('the work of a loop', () => {
  /** @param {string} text whose loop begins in the first column of line 2 */
  const bodyLine = text => loopBody(`function f(rows) {\n${text}\n}`, 2, 1)?.line

  test('is its only statement', () => {
    assert.equal(bodyLine('for (const row of rows) {\nsum += row\n}'), 3)
    assert.equal(bodyLine('for (let i = 0; i < 9; i++)\nif (rows[i]) {\nsum++\n}'), 3)
    assert.equal(bodyLine('while (sum < 9)\n{\nsum += rows[sum]\n}'), 4)
    assert.equal(bodyLine('do {\nsum++\n} while (sum < 9)'), 3)
  })

  test('is unknown in a loop of several statements, of none, of a loop, and on the same line', () => {
    assert.equal(bodyLine('for (const row of rows) {\nsum += row\ncount++\n}'), undefined)
    assert.equal(bodyLine('while (next());'), undefined)
    assert.equal(bodyLine('for (const row of rows)\nfor (const cell of row) sum += cell'), undefined)
    assert.equal(bodyLine('for (const row of rows) sum += row'), undefined)
    assert.equal(bodyLine('sum += rows[0]'), undefined)
  })
})
