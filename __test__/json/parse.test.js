'use strict'

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { join } = require('node:path')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const fc = require('fast-check')
const { Pool, move, pool, transforms } = require('../..')

const { json, chain, gunzip, gzip } = transforms
const parse = json.parse()

const records = Array.from({ length: 20_000 }, (_, id) => ({
  id,
  name: `naïve ${id}`,
  tags: ['a', `t${id % 7}`],
  deep: { list: [{ x: id / 3 }, null, true, []] }
}))

/** @type {Record<string, () => string>} */
const SHAPES = {
  'a list of records': () => JSON.stringify(records),
  'indented records': () => JSON.stringify(records, null, 2),
  'one large object': () => JSON.stringify(Object.fromEntries(records.map(it => [`k${it.id}`, it]))),
  'names like indexes': () =>
    JSON.stringify(Object.fromEntries(records.map(it => [`${(it.id * 7919) % 20011}`, it.name]))),
  'large values in large values': () => JSON.stringify({ a: [records, { b: records, c: 1 }], d: { e: records } }),
  'one long string': () => JSON.stringify('0123456789'.repeat(300_000)),
  'one long string with escapes': () => JSON.stringify(['x\n"\\é\u{1f600}\ud83d'.repeat(100_000), 1]),
  'long strings as values': () => JSON.stringify({ a: 'ß'.repeat(400_000), b: ['中文'.repeat(300_000), 0] }),
  'extreme numbers': () =>
    `[${'5e-324,1e400,-1e400,-0,0.1,9007199254740993,123456789012345678901234567890,1E+2,'.repeat(9000)}0]`,
  'numbers of all kinds': () =>
    `[${Array.from({ length: 300_000 }, (_, n) => (n % 9 ? Math.sin(n) * 10 ** ((n % 600) - 300) : n >> 3)).join(' ,\n')}]`,
  'integers, then other numbers, then null': () => `[${'1,'.repeat(90_000)}${'-0,2.5e-1,'.repeat(90_000)}null,-0.0]`,
  'integers and a few other values': () => {
    const other = ['-0', '-7', '12345678', '2147483648', '1e3', 'null', ' 5 ', '[]', '-9999999']
    return `[${Array.from({ length: 300_000 }, (_, n) => (n % 40_000 ? (n * 7919) % 9_999_999 : other[n / 40_000]))}]`
  },
  integers: () => JSON.stringify(Array.from({ length: 300_000 }, (_, n) => n)),
  // A run of integers that is converted ends at the space.
  'integers and one space': () => `[${'1,'.repeat(49_153)} 1${',1'.repeat(20)}]`,
  'lines of integers': () => `[${Array.from({ length: 300_000 }, (_, n) => (n % 97 ? n : `\n ${n}`))}]`,
  'no ASCII': () => JSON.stringify(Array.from({ length: 9000 }, (_, n) => `чисто по-русски ${n} 日本語`)),
  'repeated names': () => `{${'"a":1,"b":[2],"a":{"c":3},'.repeat(20_000)}"b":4}`,
  'names of Object.prototype': () =>
    `{"__proto__":{"x":1},"constructor":2,${records.map(it => `"k${it.id}":[${it.id}]`)},"toString":3,"__proto__":[4]}`,
  'lone surrogates, escaped': () => `[${'"\\ud800","\\udc00\\ud83d","\\ud83d\\ude00",'.repeat(9000)}"\\uDFFF"]`,
  'megabytes of white space': () => `[1,${' '.repeat(3 << 20)}2,{"a":${'\n'.repeat(2 << 20)}3}]`,
  'a deep list': () => '['.repeat(150_000) + ']'.repeat(150_000),
  'a deep mix': () => `${'{"a":[1,'.repeat(60_000)}0${']}'.repeat(60_000)}`,
  'a number': () => `${' '.repeat(100_000)}17`,
  'a small object': () => '{"a":[1,2,{"b":null}]}'
}

/** Depth up to which a recursive comparison is safe. */
const SHALLOW = 1000

/** Compares deep values without recursion. */
function assertSame(/** @type {unknown} */ actual, /** @type {any} */ expected) {
  let depth = 0
  for (let value = expected; value !== null && typeof value === 'object' && depth < SHALLOW; depth++)
    value = Object.values(value).at(-1)
  if (depth < SHALLOW) return assert.deepStrictEqual(actual, expected)
  let [one, other] = [/** @type {any} */ (actual), expected]
  while (other !== null && typeof other === 'object') {
    assert.deepEqual(Object.keys(one), Object.keys(other))
    const last = Object.keys(other).at(-1)
    if (last === undefined) return
    ;[one, other] = [one[last], other[last]]
  }
  assert.equal(one, other)
}

for (const [name, make] of Object.entries(SHAPES)) {
  test(`parses ${name} like JSON.parse, from text and from bytes`, async () => {
    const text = make()
    const expected = JSON.parse(text)
    assertSame(await pool.run(parse, text), expected)
    assertSame(await pool.run(parse, Buffer.from(text)), expected)
  })
}

test('keeps the member order of JSON.parse across chunks', async () => {
  const text = `{"z":0,${records.map(it => `"k${it.id % 15_000}":${it.id}`)},"7":1,"a":${JSON.stringify(records)},"z":2}`
  const value = /** @type {object} */ (await pool.run(parse, text))
  assert.deepEqual(Object.keys(value), Object.keys(JSON.parse(text)))
})

test('parses long lists completely', async () => {
  const list = /** @type {number[]} */ (await pool.run(parse, JSON.stringify(new Array(400_000).fill(0.5))))
  assert.equal(list.length, 400_000)
  assert.equal(
    list.findIndex(it => it !== 0.5),
    -1
  )
  const uneven = `[${'1,'.repeat(100_000)}${'"something longer than a number",'.repeat(100_000)}3]`
  assert.deepEqual(await pool.run(parse, uneven), JSON.parse(uneven))
})

test('does not call setters of prototypes', async t => {
  const called = t.mock.fn()
  Object.defineProperty(Object.prototype, 'trap', { set: called, configurable: true })
  t.after(() => Reflect.deleteProperty(Object.prototype, 'trap'))
  const text = `{"a":${JSON.stringify(records)},"trap":${JSON.stringify(records)},"b":1,"trap":2}`
  const value = /** @type {any} */ (await pool.run(parse, text))
  assert.equal(called.mock.callCount(), 0)
  assert.equal(Object.getOwnPropertyDescriptor(value, 'trap')?.value, 2)
})

test('preserves lone surrogates', async () => {
  const filler = 'x'.repeat(200_000)
  for (const text of ['"\ud800"', '["\udc00\ud83d\ude00\ud83d"]', `["${filler}\ud83d","${filler}\\\\\udc00"]`]) {
    assert.deepEqual(await pool.run(parse, text), JSON.parse(text))
    assert.deepEqual(await pool.map(parse, [text, text]), [JSON.parse(text), JSON.parse(text)])
  }
  await assert.rejects(pool.run(parse, '"\\\ud800"'), { code: 'ERR_OFFLOOP_INVALID_DATA' })
})

test('maps small documents like JSON.parse', async () => {
  const shapes = [
    records[3],
    'é',
    '漢',
    -0.5,
    null,
    true,
    [],
    {},
    [[1], { a: {} }],
    'x'.repeat(5000),
    records.slice(0, 300)
  ]
  const texts = Array.from({ length: 3000 }, (_, id) => ` ${JSON.stringify(shapes[id % shapes.length])}`)
  assert.deepEqual(
    await pool.map(parse, texts),
    texts.map(text => JSON.parse(text))
  )
  texts[1500] += '!'
  const { length } = Buffer.from(texts[1500])
  await assert.rejects(pool.map(parse, texts), { code: 'ERR_OFFLOOP_INVALID_DATA', offset: length - 1 })
})

test('maps small documents among failures and long documents', async () => {
  const text = (/** @type {number} */ length) => `"${'x'.repeat(length - 2)}"`
  const shapes = ['1', '{"a":[]}', '!', text(16_383), '"é"', text(16_384), '', text(8000), text(8383), '2']
  const inputs = Array.from({ length: 2000 }, (_, id) => Buffer.from(shapes[(id * 7) % shapes.length]))
  const outcome = (/** @type {Buffer} */ input) => {
    try {
      return { status: 'fulfilled', value: JSON.parse(input.toString()) }
    } catch {
      return { status: 'rejected', reason: 'ERR_OFFLOOP_INVALID_DATA' }
    }
  }
  const results = await pool.map(parse, inputs, { settle: true })
  const seen = results.map(it => (it.status === 'fulfilled' ? it : { ...it, reason: it.reason.code }))
  assert.deepEqual(seen, inputs.map(outcome))
})

test('errors have the byte offset', async () => {
  const long = JSON.stringify(records)
  for (const [text, offset] of /** @type {[string, number][]} */ ([
    ['', 0],
    ['[1,]', 3],
    ['{"é": }', 7],
    [`${long.slice(0, -1)},]`, Buffer.byteLength(long)],
    [`${long}]`, Buffer.byteLength(long)],
    [`${long.slice(0, -1)} "unfinished`, Buffer.byteLength(long)],
    ['\ufeff1', 0]
  ])) {
    const message = new RegExp(` at byte ${offset}: `)
    const error = { code: 'ERR_OFFLOOP_INVALID_DATA', offset, message, transform: 'json.parse' }
    await assert.rejects(pool.run(parse, text), error)
  }
  const bad = Buffer.from(`["${'é'.repeat(100_000)}"]`)
  bad[150_001] = 0xff
  await assert.rejects(pool.run(parse, bad), { code: 'ERR_OFFLOOP_INVALID_DATA', offset: 150_000, message: /UTF-8/ })
})

test('enforces maxDepth', async () => {
  const shallow = json.parse({ maxDepth: 3 })
  assert.deepEqual(await pool.run(shallow, '[[[1]]]'), [[[1]]])
  const error = { code: 'ERR_OFFLOOP_INVALID_DATA', offset: 3, message: /deeper than 3 levels/ }
  await assert.rejects(pool.run(shallow, '[[[[1]]]]'), error)
  await assert.rejects(pool.run(shallow, `[[[[${JSON.stringify(records)}]]]]`), error)
})

test('validates options when the transform is created', () => {
  for (const options of [{ sliceMs: 0 }, { sliceMs: 1.5 }, { maxDepth: 0 }]) {
    assert.throws(() => json.parse(options), { code: 'ERR_OUT_OF_RANGE' })
  }
  assert.throws(() => json.parse(/** @type {any} */ ({ sliceMs: '4' })), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => json.parse(/** @type {any} */ ({ depth: 4 })), { code: 'ERR_INVALID_ARG_VALUE' })
})

test('yields to the event loop while it builds a document', async () => {
  let turns = 0
  let isBuilt = false
  const count = () => {
    turns++
    if (!isBuilt) setImmediate(count)
  }
  setImmediate(count)
  await pool.run(json.parse({ sliceMs: 1 }), JSON.stringify(records))
  isBuilt = true
  assert.ok(turns > 10, `${turns} event-loop iterations`)
})

test('works with every pool method and at the end of a chain', async () => {
  const text = JSON.stringify(records)
  const expected = JSON.parse(text)
  assert.deepEqual(await pool.map(parse, [text, '1', '[]', text]), [expected, 1, [], expected])
  const all = []
  for await (const value of pool.iterate(parse, ['{}', text])) all.push(value)
  assert.deepEqual(all, [{}, expected])
  const zipped = await pool.run(gzip(), text)
  assert.deepEqual(await pool.run(chain(gunzip(), parse), zipped), expected)
  assert.deepEqual(await pool.run(parse, move(new TextEncoder().encode(text))), expected)
  const echo = transforms.worker(join(__dirname, '../fixtures/worker/functions.js'))
  assert.deepEqual(await pool.run(chain(parse, echo), text), expected)
})

test('builds large results of other transforms', async () => {
  const found = await pool.run(json.select('$[*].deep.list[0]'), JSON.stringify(records))
  assert.deepEqual(
    found,
    records.map(it => it.deep.list[0])
  )
})

test('an abort at any time rejects and releases all resources', async () => {
  const own = new Pool({ threads: 2, name: undefined })
  const text = JSON.stringify(records)
  for (let turns = 0; turns < 24; turns++) {
    const controller = new AbortController()
    const running = own.run(parse, text, { signal: controller.signal })
    const outcome = running.then(
      () => 'parsed',
      error => error.name
    )
    for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
    controller.abort()
    assert.ok(['AbortError', 'parsed'].includes(await outcome))
  }
  while (own.stats().queuedBytes > 0) await new Promise(resolve => setImmediate(resolve))
  await own.close()
})

test('a result being built counts toward maxQueueBytes', async () => {
  const own = new Pool({ threads: 1, maxQueueBytes: 1 << 20 })
  const text = JSON.stringify(records)
  const values = own.map(parse, [text, text, text])
  const observed = new Set()
  let isDone = false
  const observe = () => {
    if (isDone) return
    observed.add(own.stats().queuedBytes > 0)
    setImmediate(observe)
  }
  setImmediate(observe)
  assert.deepEqual(
    (await values).map(it => /** @type {any} */ (it).length),
    [20_000, 20_000, 20_000]
  )
  isDone = true
  assert.ok(observed.has(true))
  assert.equal(own.stats().queuedBytes, 0)
  await own.close()
})

test('close waits for results being built', async () => {
  const own = new Pool({ threads: 1 })
  const running = own.run(parse, JSON.stringify(records))
  await own.close()
  assert.equal(/** @type {any} */ (await running).length, 20_000)
})

test('a thread may exit while it builds a result', async () => {
  const code = `
    const { pool, transforms } = require(${JSON.stringify(join(__dirname, '../..'))})
    const text = JSON.stringify(Array.from({ length: 100000 }, (_, id) => ({ id, list: [id, [id]] })))
    const { parentPort } = require('node:worker_threads')
    pool.run(transforms.json.parse(), text)
    pool.run(transforms.json.parse(), text)
    setImmediate(() => setImmediate(() => parentPort.postMessage('building')))`
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(code, { eval: true })
    await once(worker, 'message')
    await worker.terminate()
  }
  assert.deepEqual(await pool.run(parse, '[1]'), [1])
})

test('parses arbitrary JSON like JSON.parse', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json({ maxDepth: 6 }), fc.boolean(), async (inner, isIndented) => {
      const text = `[${`${isIndented ? JSON.stringify(JSON.parse(inner), null, 1) : inner},`.repeat(1 + 140_000 / inner.length)}0]`
      assert.deepEqual(await pool.run(parse, text), JSON.parse(text))
    }),
    { numRuns: 40 }
  )
})

test('copies long text in chunks, even if a boundary splits an escape or a surrogate pair', async () => {
  // Shift the text so that the boundary falls on each position.
  for (const unit of ['\\', '"', '\u{1f600}', '\ud800', '\udc00', 'é\\']) {
    for (const before of [0, 1, 2]) {
      const value = 'x'.repeat(before) + unit.repeat(400_000 / unit.length)
      assert.equal(await pool.run(parse, JSON.stringify(value)), value)
      assert.equal(await pool.run(parse, `"${value.replace(/["\\]/g, '')}"`), value.replace(/["\\]/g, ''))
    }
  }
})

test('a chain of only json.parse behaves like json.parse', async () => {
  for (const transform of [transforms.chain(parse), transforms.chain(transforms.chain(parse))]) {
    assert.equal(await pool.run(transform, '"\ud800"'), '\ud800')
  }
})
