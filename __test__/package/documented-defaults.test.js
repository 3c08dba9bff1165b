'use strict'

// Compares the defaults in the documentation with those in use. A default that is not visible is read from its constant.

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { Pool, transforms } = require('../..')
const { readWorkerOptions } = require('../../lib/worker/options')
const { readEachOptions } = require('../../lib/stream/options')
const { DEFAULTS: DEFAULTS_OF_CACHES } = require('../../lib/cache/options')
const { root } = require('../support/documents')

const pool = new Pool({ threads: 1 })
const workers = readWorkerOptions(undefined)
const UNITS = { '': 1, '%': 0.01, s: 1000, KiB: 1 << 10, MiB: 1 << 20, GiB: 1 << 30 }
const WORDS = { four: 4 }

/** Reads a number with a unit, as documents write it. @param {string} text */
function parse(text) {
  const [number, unit = ''] = text.split(' ')
  const value = /** @type {Record<string, number>} */ (WORDS)[number] ?? Number(number.replaceAll(',', ''))
  return value * UNITS[/** @type {keyof typeof UNITS} */ (unit)]
}

/** Reads a file as one line, without the stars of comments. @param {string} path */
function read(path) {
  return readFileSync(join(root, path), 'utf8').replaceAll(/\s+(\*\s)?/g, ' ')
}

/**
 * Returns the value of a constant, such as `1 << 30`.
 * @param {string} path
 * @param {RegExp} pattern
 */
function constant(path, pattern) {
  const expression = pattern.exec(read(path))?.[1].replaceAll('_', '') ?? ''
  assert.match(expression, /^[\d.]+( << \d+)?$/, `${pattern} in ${path}`)
  const [number, shift = '0'] = expression.split(' << ')
  return Number(number) * 2 ** Number(shift)
}

const maxOutput = constant('src/transform/output_limit.rs', /DEFAULT_MAX_OUTPUT: u64 = (.*?);/)
const jsonStringify = (/** @type {string} */ name) =>
  constant('lib/transform/json-stringify.js', new RegExp(`${name} = (\\d+)`))

/** Name, value in use, and the statements of each page. @type {[string, number, Record<string, RegExp>][]} */
const DEFAULTS = [
  [
    'maxQueue',
    pool.maxQueue,
    {
      'index.d.ts': /Maximum tasks admitted and not yet started, 0 or more\. Default ([\d,]+)/g,
      'README.md': /queues at most ([\d,]+) tasks/g,
      'docs/migrating.md': /`maxQueue`, ([\d,]+)/g
    }
  ],
  [
    'maxQueueBytes',
    pool.maxQueueBytes,
    {
      'index.d.ts': /input bytes of tasks admitted and not yet finished\. Default (\d+ \w+)/g,
      'README.md': /tasks and (\d+ \w+) of input/g,
      'docs/migrating.md': /`maxQueueBytes`, (\d+ \w+)/g
    }
  ],
  [
    'workers.idleTimeout',
    workers.idleTimeout,
    {
      'index.d.ts': /an idle thread is kept\. Default ([\d,]+)/g,
      'docs/migrating.md': /\{ idleTimeout \}`, default (\d+ s)/g
    }
  ],
  [
    'workers.gracePeriod',
    workers.gracePeriod,
    {
      'index.d.ts': /may run before its thread is terminated\. Default ([\d,]+)/g,
      'docs/migrating.md': /\{ gracePeriod \}`, (\d+) ms/g
    }
  ],
  [
    'highWaterMark',
    pool.stream(transforms.identity()).writableHighWaterMark,
    {
      'index.d.ts': /a single chunk may be larger\. Default (\d+ \w+)/g,
      'docs/streams.md': /`highWaterMark` bytes \((\d+ \w+) by default\)/g
    }
  ],
  [
    'highWaterMark, objectMode',
    pool.each(transforms.identity(), undefined, { objectMode: true }).writableHighWaterMark,
    { 'index.d.ts': /objects in Node's buffer, default (\d+);/g }
  ],
  [
    'concurrency of each',
    readEachOptions({}, 1).concurrency,
    { 'index.d.ts': /Maximum chunks in progress.*?Default: (\w+) per thread/g }
  ],
  [
    'concurrency of map',
    constant('lib/pool/bulk/map.js', /CONCURRENCY = (\d+)/),
    { 'index.d.ts': /Default: (\d+) per thread for `map`/g }
  ],
  [
    'concurrency of iterate',
    constant('lib/pool/bulk/iterator.js', /CONCURRENCY = (\d+)/),
    { 'index.d.ts': /(\d+) per thread for `iterate`/g }
  ],
  [
    'jitter',
    Number(DEFAULTS_OF_CACHES.jitter),
    {
      'index.d.ts': /`refreshAfter` are shortened at random\. Default (\d+)/g,
      'docs/cache.md': /`jitter` \((\d+) by default\)/g
    }
  ],
  [
    'maxOutput',
    maxOutput,
    {
      'index.d.ts':
        /(?:`maxOutput` defaults to|`maxOutput` \(default|`maxOutput` bytes of JSON, default|size as JSON, default) (\d+ \w+)/g,
      'README.md': /\(`maxOutput`, (\d+ \w+) by default\)/g,
      'docs/streams.md': /`maxOutput` \(default (\d+ \w+)\)/g
    }
  ],
  ['slice of json.stringify', jsonStringify('DEFAULT_SLICE'), { 'index.d.ts': /`sliceMs` ms \(default (\d+)\) that/g }],
  [
    'maxDepth of json.stringify',
    jsonStringify('DEFAULT_MAX_DEPTH'),
    { 'index.d.ts': /the default of ([\d,]+) is more/g, 'docs/transforms.md': /`maxDepth`, ([\d,]+) by default/g }
  ]
]

for (const [name, value, pages] of DEFAULTS) {
  test(`the documented default of ${name} is the one in use`, () => {
    for (const [path, pattern] of Object.entries(pages)) {
      const documented = [...read(path).matchAll(pattern)].map(([, number]) => parse(number))
      assert.notDeepEqual(documented, [], `${path} does not match ${pattern}`)
      for (const number of documented) assert.equal(number, value, path)
    }
  })
}

/** Name of a transform, its option, and the documented default. @type {[string, string, RegExp][]} */
const LEVELS = [
  ['gzip', 'level', /Compresses to gzip .*?default (\d+)/],
  ['deflate', 'level', /Compresses to the zlib format .*?default (\d+)/],
  ['deflateRaw', 'level', /Compresses to raw deflate .*?default (\d+)/],
  ['brotliCompress', 'quality', /Compresses with Brotli .*?default (\d+)/],
  ['zstdCompress', 'level', /Compresses with Zstandard .*?default (\d+)/]
]

for (const [name, option, pattern] of LEVELS) {
  test(`${name} compresses with the documented ${option}`, async () => {
    const documented = Number(pattern.exec(read('index.d.ts'))?.[1])
    const text = readFileSync(join(root, 'index.d.ts'))
    const make = /** @type {any} */ (transforms)[name]
    const compress = (/** @type {object} */ options) => pool.run(make(options), text)
    const bytes = await compress({})
    const same = await compress({ [option]: documented })
    const lower = await compress({ [option]: documented - 1 })
    assert.ok(bytes.equals(same), `the default is not ${documented}`)
    assert.ok(!bytes.equals(lower), 'the text distinguishes no levels')
  })
}
