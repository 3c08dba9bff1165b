'use strict'

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { test } = require('node:test')
const { UsageError, parseOptions } = require('../../lib/doctor/options')

/** @param {string[]} args */
function parsed(...args) {
  const options = parseOptions(args)
  assert.ok(options !== 'help')
  return options
}

test('defaults', () => {
  const { command, load, seconds, connections, warmup, threshold, fail, heap, formats, directory } = parsed(
    '--',
    'node',
    'a.js'
  )
  assert.deepEqual(
    { command, load, seconds, connections, warmup, threshold, fail, heap, formats, directory },
    {
      command: ['node', 'a.js'],
      load: [],
      seconds: undefined,
      connections: 100,
      warmup: 3,
      threshold: 25,
      fail: [{ kind: 'confidence', least: 'likely' }],
      heap: 'auto',
      formats: ['terminal', 'html', 'json'],
      directory: 'offloop-doctor'
    }
  )
})

test('no heap snapshots are taken for rules that do not need them', () => {
  const heapOf = (/** @type {string[]} */ ...args) => parsed(...args, '--', 'node', 'a.js').heap
  assert.equal(heapOf('--only', '6'), 'off')
  assert.equal(heapOf('--only', 'handler,pauses', '--heap', 'auto'), 'off')
  assert.equal(heapOf('--only', '6,5'), 'auto')
  assert.equal(heapOf('--only', 'growth'), 'auto')
  assert.equal(heapOf('--only', '6', '--heap', 'always'), 'always')
})

test('the arguments of the program are left alone', () => {
  assert.deepEqual(parsed('--for', '5', '--', 'node', 'a.js', '--load', '--', '-c', '1').command.slice(2), [
    '--load',
    '--',
    '-c',
    '1'
  ])
})

test('loads', t => {
  const directory = mkdtempSync(join(tmpdir(), 'offloop-options-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'body.json')
  writeFileSync(file, '{}')
  assert.deepEqual(parsed('--load', '--', 'node', 'a.js').load, [{ method: 'GET', path: '/' }])
  const { load, seconds } = parsed(
    '--load',
    '/a?b=1',
    '--load',
    `post /upload @${file}`,
    '--load',
    'DELETE /x',
    '--',
    'node',
    'a.js'
  )
  assert.deepEqual(load, [
    { method: 'GET', path: '/a?b=1' },
    { method: 'POST', path: '/upload', body: Buffer.from('{}'), type: 'application/json' },
    { method: 'DELETE', path: '/x' }
  ])
  assert.equal(seconds, 20)
})

test('a program without a server has no warm-up', () => {
  const { isBatch, warmup, seconds } = parsed('--for', '30', '--', 'node', 'job.js')
  assert.deepEqual([isBatch, warmup, seconds], [true, 0, 30])
})

test('wrong options are refused', () => {
  for (const [args, message] of /** @type {[string[], RegExp][]} */ ([
    [[], /The command of the program is missing/],
    [['--'], /The command of the program is missing/],
    [['node', 'a.js'], /"node" must follow "--"/],
    [['--loud', '--', 'node'], /--loud/],
    [['--load', 'upload', '--', 'node'], /--load takes a path .*, not "upload"/],
    [['--load', 'FETCH /', '--', 'node'], /--load: the methods are GET, .*, TRACE, not "FETCH"/],
    [['--load', 'POST / @/none.json', '--', 'node'], /the file "\/none.json" cannot be read: ENOENT/],
    [['--load', '/', '--on-listen', 'k6', '--', 'node'], /cannot be combined/],
    [['--load', `POST / @${__dirname}`, '--', 'node'], /cannot be read: EISDIR/],
    [['--for', '5', '--load', '/', '--', 'node'], /it cannot be combined with --load/],
    [['--for', '5', '-d', '5', '--', 'node'], /it cannot be combined with --duration/],
    [['-c', '5', '--', 'node'], /--connections requires --load/],
    [['--on-listen', 'k6', '-R', '5', '--', 'node'], /--rate requires --load/],
    [['--only', '6,hadler', '--', 'node'], /--only: the rules are 1, .*handler.*, not "hadler"/],
    [['--ignore', 'hadler@a.js:1', '--', 'node'], /--ignore: the rules are .*, not "hadler"/],
    [['--for', 'x', '--', 'node'], /--for takes a number from 0.1 to 86400, not "x"/],
    [['--load', '-c', '0', '--', 'node'], /--connections takes a number from 1 to 10000, not "0"/],
    [['--load', '-c', '1.5', '--', 'node'], /--connections takes an integer, not "1.5"/],
    [['--threshold', '5', '--', 'node'], /--threshold takes a number from 10/],
    [['--fail', 'sure', '--', 'node'], /--fail: "sure" is not a condition/],
    [['--heap', 'on', '--', 'node'], /--heap takes auto, off, always, not "on"/],
    [['--format', 'xml', '--', 'node'], /--format takes terminal, html, .*, not "xml"/],
    [['--ignore', '6', '--', 'node'], /--ignore takes RULE@file:line, not "6"/]
  ])) {
    assert.throws(
      () => parseOptions(args),
      error => error instanceof UsageError && message.test(error.message),
      `${args}`
    )
  }
})

test('a format that is given twice is written once', () => {
  assert.deepEqual(parsed('--format', 'md, json,md', '--', 'node', 'a.js').formats, ['md', 'json'])
})

/**
 * Parses options in a folder with a file of findings that are accepted.
 * @param {import('node:test').TestContext} t
 * @param {string} text
 */
function withSuppressions(t, text) {
  const directory = mkdtempSync(join(tmpdir(), 'offloop-options-'))
  const before = process.cwd()
  process.chdir(directory)
  t.after(() => {
    process.chdir(before)
    rmSync(directory, { recursive: true })
  })
  writeFileSync('.offloop-doctor.json', text)
  return parsed('--ignore', '6@b.js:2', '--', 'node', 'a.js').ignore
}

test('a project accepts findings with a reason', t => {
  assert.deepEqual(withSuppressions(t, '[{ "ignore": "handler@app/a.js:31", "reason": "one request a day" }]'), [
    { rule: 'handler', file: 'app/a.js', line: 31, reason: 'one request a day' },
    { rule: '6', file: 'b.js', line: 2 }
  ])
})

for (const [text, message] of /** @type {const} */ ([
  ['{', /^\.offloop-doctor\.json: .*JSON/],
  ['{}', /an array of .* is expected/],
  ['[{ "ignore": "6@a.js:1" }]', /entry 0 needs "ignore" and "reason", both strings, not {"ignore":"6@a.js:1"}/],
  ['[{ "ignore": "6@a.js:1", "reason": " " }]', /entry 0 needs/],
  ['[null]', /entry 0 needs/],
  ['[{ "ignore": "6", "reason": "x" }]', /^\.offloop-doctor\.json: entry 0 takes RULE@file:line, not "6"/],
  ['[{ "ignore": "six@a.js:1", "reason": "x" }]', /^\.offloop-doctor\.json: entry 0: the rules are .*, not "six"/]
])) {
  test(`accepted findings such as ${text} are refused`, t => {
    assert.throws(
      () => withSuppressions(t, text),
      error => error instanceof UsageError && message.test(error.message)
    )
  })
}
