'use strict'

// Cases that the test runner must not count as passed.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { test } = require('node:test')
const { builtLibrary } = require('../../scripts/lib/build.js')
const { countCargoTests } = require('../../scripts/lib/checks.js')
const { judge, parse, runFile, sortFiles } = require('../../scripts/lib/test-runner.js')
const { installed } = require('../../scripts/lib/setup.js')

const ENDED = { code: 0, timedOut: false }
const end = { type: 'end' }
/** @param {object} [more] */
const pass = more => ({ type: 'pass', name: 'a', nesting: 0, ...more })

test('assigns every test file to a runner and reports the others', () => {
  const sorted = sortFiles([
    '__test__/a.test.js',
    '__test__/pool/b.test.js',
    '__test__/types/c.test-d.ts',
    '__test__/support/d.js',
    '__test__/pool/fixtures/e.js',
    '__test__/pool/f.js',
    '__test__/g.test-d.ts',
    '__test__/h.tests.js'
  ])
  assert.deepEqual(sorted.tests, ['__test__/a.test.js', '__test__/pool/b.test.js'])
  assert.deepEqual(sorted.types, ['__test__/types/c.test-d.ts'])
  assert.deepEqual(sorted.unmatched, ['__test__/pool/f.js', '__test__/g.test-d.ts', '__test__/h.tests.js'])
})

test('a file passes if its tests passed and it completed', () => {
  assert.deepEqual(judge([pass(), pass({ skip: 'no such suite here' }), pass({ suite: true }), end], ENDED), {
    passed: 1,
    failed: 0,
    skipped: 1,
    problems: []
  })
})

for (const [name, events, outcome] of /** @type {[string, any[], typeof ENDED][]} */ ([
  ['no test', [end], ENDED],
  ['only a suite', [pass({ suite: true }), end], ENDED],
  ['a skip without a reason', [pass({ skip: true }), pass(), end], ENDED],
  ['a todo test', [pass({ todo: true }), end], ENDED],
  ['a failure', [{ type: 'fail', name: 'a', nesting: 0, error: 'Error' }, end], { ...ENDED, code: 1 }],
  ['an early end', [pass()], ENDED],
  ['an exit code', [pass(), end], { ...ENDED, code: 1 }],
  ['a timeout', [pass(), end], { code: 1, timedOut: true }]
])) {
  test(`a file fails for ${name}`, () => {
    const verdict = judge(events, outcome)
    assert.ok(verdict.failed > 0)
    assert.ok(verdict.problems.length > 0)
  })
}

test('names a test that hangs', async () => {
  const { failed, problems } = await runFile('__test__/fixtures/test-runner/pending.js', { timeout: 1500 })
  assert.equal(failed, 1)
  assert.match(problems[0], /killed; unfinished: 'never settles'/)
})

test('counts the tests of a file', async () => {
  const { passed, failed, skipped, problems } = await runFile('__test__/fixtures/test-runner/mixed.js')
  assert.deepEqual({ passed, failed, skipped }, { passed: 2, failed: 1, skipped: 1 })
  assert.match(problems[0], /^fails\nAssertionError/)
})

test('reads a truncated report up to its last complete line', () => {
  assert.deepEqual(parse('{"type":"end"}\n{"type":"pa'), [end])
})

test('adds up the tests of all binaries of a crate', () => {
  const line = 'test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n'
  assert.deepEqual(countCargoTests(line + line), { passed: 4, failed: 0, skipped: 2 })
  assert.deepEqual(countCargoTests(''), { passed: 0, failed: 0, skipped: 0 })
})

test("finds the addon in cargo's messages", () => {
  const message = { reason: 'compiler-artifact', target: { name: 'offloop' }, filenames: ['a.rlib', 'a.so'] }
  assert.equal(builtLibrary(`${JSON.stringify(message)}\n{"reason":"build-finished"}\n`), 'a.so')
  assert.equal(builtLibrary('{"reason":"build-finished"}\n'), undefined)
})

test('detects missing packages', () => {
  assert.equal(installed(join(__dirname, '..', 'fixtures')).fits, false)
  assert.equal(installed(join(__dirname, '..', '..')).fits, true)
})
