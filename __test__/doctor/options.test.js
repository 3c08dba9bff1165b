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
    { method: 'POST', path: '/upload', body: Buffer.from('{}') },
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
    [['--load', 'POST / @/none.json', '--', 'node'], /the file "\/none.json" does not exist/],
    [['--load', '/', '--on-listen', 'k6', '--', 'node'], /exclude each other/],
    [['--for', '5', '--load', '/', '--', 'node'], /it excludes --load/],
    [['--for', 'x', '--', 'node'], /--for takes a number from 0.1 to 86400, not "x"/],
    [['-c', '0', '--', 'node'], /--connections takes a number from 1 to 10000, not "0"/],
    [['-c', '1.5', '--', 'node'], /--connections takes an integer, not "1.5"/],
    [['--threshold', '5', '--', 'node'], /--threshold takes a number from 10/],
    [['--fail', 'sure', '--', 'node'], /--fail: "sure" is neither/],
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
