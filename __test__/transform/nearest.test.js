'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, move, occupy, pool, transforms } = require('../support/fault-addon')
const { node } = require('../support/child')

const { nearest } = transforms.numeric
const bad = /** @type {any} */ (transforms.numeric)
const METRICS = /** @type {const} */ (['dot', 'cosine', 'l2'])
const CLOSED = { name: 'OffloopError', code: 'ERR_OFFLOOP_CLOSED', message: /numeric\.nearest.*disposed/ }
/** Rows of one number: more bytes than one piece of a copy. */
const LARGE_ROWS = 1 << 20

/**
 * Returns deterministic pseudorandom numbers from -1 to 1.
 * @param {number} count
 * @param {number} [seed]
 */
function noise(count, seed = 7) {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state / 2 ** 32 - 0.5) * 2
  })
}

/** Returns the scores of all rows, by a plain loop. @type {Record<string, (row: Float32Array, query: Float32Array) => number>} */
const SCORES = {
  dot: (row, query) => row.reduce((sum, it, index) => sum + it * query[index], 0),
  cosine: (row, query) => SCORES.dot(row, query) / Math.sqrt(SCORES.dot(row, row) * SCORES.dot(query, query)),
  l2: (row, query) => Math.sqrt(row.reduce((sum, it, index) => sum + (it - query[index]) ** 2, 0))
}

/**
 * Asserts that a list has the best rows in order.
 * @param {{ index: number, score: number }[]} found
 * @param {Float32Array} matrix
 * @param {Float32Array} query
 * @param {'dot' | 'cosine' | 'l2'} metric
 * @param {number} k
 */
function assertNearest(found, matrix, query, metric, k) {
  const sign = metric === 'l2' ? 1 : -1
  const expected = Array.from({ length: matrix.length / query.length }, (_, index) => {
    const row = matrix.subarray(index * query.length, (index + 1) * query.length)
    return { index, score: SCORES[metric](row, query) }
  }).sort((one, other) => sign * (one.score - other.score))
  assert.equal(found.length, Math.min(k, expected.length))
  for (const [rank, { index, score }] of found.entries()) {
    assert.equal(index, expected[rank].index, `${metric}: rank ${rank}`)
    assert.ok(Math.abs(score - expected[rank].score) < 1e-4, `${metric}: ${score} for ${expected[rank].score}`)
  }
}

/** A matrix of one column whose last row is the nearest to 1. */
function largeMatrix() {
  const matrix = new Float32Array(LARGE_ROWS)
  matrix[LARGE_ROWS - 1] = 5
  return matrix
}

test('finds the rows that a plain loop finds, for one query and for several', async () => {
  for (const dimensions of [1, 3, 20, 33]) {
    const matrix = noise(1500 * dimensions)
    const queries = noise(70 * dimensions, 99)
    for (const metric of METRICS) {
      // Scores of one dimension are equal too often to compare their order, except as distances.
      if (dimensions === 1 && metric !== 'l2') continue
      const transform = nearest(matrix, { k: 7, dimensions, metric })
      const lists = await pool.run(transform, queries)
      assert.equal(lists.length, 70)
      for (const [index, list] of lists.entries()) {
        const query = queries.subarray(index * dimensions, (index + 1) * dimensions)
        assertNearest(list, matrix, query, metric, 7)
        if (index < 3) assert.deepEqual(await pool.run(transform, query), [list])
      }
    }
  }
})

test('returns all rows if there are fewer than k, in the order of their indexes if they are equal', async () => {
  const rows = Float32Array.of(1, 0, Number.NaN, 0, 1, 0, 2, 0)
  const [list] = await pool.run(nearest(rows, { k: 9, dimensions: 2, metric: 'dot' }), Float32Array.of(1, 1))
  assert.deepEqual(list, [
    { index: 3, score: 2 },
    { index: 0, score: 1 },
    { index: 2, score: 1 },
    { index: 1, score: Number.NaN }
  ])
  const empty = nearest(new Float32Array(0), { k: 1, dimensions: 2 })
  assert.equal(empty.bytes, 0)
  assert.deepEqual(await pool.run(empty, new Float32Array(6)), [[], [], []])
  const zero = nearest(new Float32Array(2), { k: 1, dimensions: 2 })
  assert.deepEqual(await pool.run(zero, Float32Array.of(1, 2)), [[{ index: 0, score: 0 }]])
})

test('copies a matrix, so that a small one may change after the call', async () => {
  const matrix = Float32Array.of(1, 2, 3)
  const transform = nearest(matrix.subarray(1), { k: 1, dimensions: 1, metric: 'dot' })
  assert.equal(transform.bytes, 8)
  matrix.fill(0)
  assert.deepEqual(await pool.run(transform, Float32Array.of(1)), [[{ index: 1, score: 3 }]])
  const shared = new Float32Array(new SharedArrayBuffer(LARGE_ROWS * 4))
  shared.set(largeMatrix())
  const [[best]] = await pool.run(nearest(shared, { k: 1, dimensions: 1, metric: 'dot' }), Float32Array.of(1))
  assert.deepEqual(best, { index: LARGE_ROWS - 1, score: 5 })
})

test('tasks wait for the copy of a large matrix, and receive their input unchanged', async () => {
  const transform = nearest(largeMatrix(), { k: 1, dimensions: 1, metric: 'dot' })
  assert.equal(transform.bytes, LARGE_ROWS * 4)
  const query = Float32Array.of(1)
  const moved = Float32Array.of(2)
  const first = pool.run(transform, query)
  query.fill(-1)
  const all = await Promise.all([first, pool.run(transform, move(moved)), pool.map(transform, [query, query])])
  const best = (/** @type {number} */ score) => [[{ index: LARGE_ROWS - 1, score }]]
  assert.deepEqual(all.slice(0, 2), [best(5), best(10)])
  assert.deepEqual(all[2][0][0][0].index, 0)
})

test('a task that waits for the copy can be aborted, counts as admitted, and is rejected by a forced close', async () => {
  const busy = new Pool({ threads: 1, maxQueue: 0 })
  const transform = nearest(largeMatrix(), { k: 1, dimensions: 1 })
  const query = new Float32Array(1)
  const abort = new AbortController()
  const aborted = busy.run(transform, query, { signal: abort.signal })
  await assert.rejects(busy.run(transform, query), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  abort.abort(new Error('gone'))
  await assert.rejects(aborted, { message: 'gone' })
  const closed = busy.run(transform, query)
  await Promise.all([assert.rejects(closed, { code: 'ERR_OFFLOOP_CLOSED' }), busy.close({ force: true })])
})

test('a matrix that is detached while it is copied fails every task', async () => {
  const matrix = largeMatrix()
  const transform = nearest(matrix, { k: 1, dimensions: 1 })
  const waiting = pool.run(transform, new Float32Array(1))
  structuredClone(matrix.buffer, { transfer: [matrix.buffer] })
  const error = {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_TYPE',
    message: /^The "matrix" argument must not be detached/
  }
  await assert.rejects(waiting, error)
  await assert.rejects(pool.run(transform, new Float32Array(1)), error)
  assert.equal(transform.bytes, 0)
})

test('takes the memory of a moved matrix, or copies what cannot be transferred', async () => {
  const matrix = largeMatrix()
  const transform = nearest(move(matrix), { k: 1, dimensions: 1, metric: 'dot' })
  assert.equal(matrix.length, 0)
  assert.equal(transform.bytes, LARGE_ROWS * 4)
  const expected = [[{ index: LARGE_ROWS - 1, score: 5 }]]
  assert.deepEqual(await pool.run(transform, Float32Array.of(1)), expected)
  const part = largeMatrix().subarray(1)
  const copied = nearest(move(part), { k: 1, dimensions: 1, metric: 'dot' })
  assert.equal(part.length, LARGE_ROWS - 1)
  assert.deepEqual(await pool.run(copied, Float32Array.of(1)), [[{ index: LARGE_ROWS - 2, score: 5 }]])
})

test('a disposed transform rejects later tasks, and those before still finish', async () => {
  for (const held of [(/** @type {Float32Array} */ it) => it, move]) {
    const busy = new Pool({ threads: 1 })
    const { release } = occupy(busy)
    const transform = nearest(/** @type {any} */ (held(largeMatrix())), { k: 1, dimensions: 1, metric: 'dot' })
    const before = [busy.run(transform, Float32Array.of(1)), busy.run(transform, Float32Array.of(2))]
    transform[Symbol.dispose]()
    transform[Symbol.dispose]()
    assert.equal(transform.bytes, 0)
    const after = busy.run(transform, Float32Array.of(1))
    await assert.rejects(after, CLOSED)
    await assert.rejects(busy.map(transform, [Float32Array.of(1)]), CLOSED)
    await release()
    const scores = (await Promise.all(before)).map(([[row]]) => row.score)
    assert.deepEqual(scores, [5, 10])
    await busy.close()
  }
})

test('works with map, iterate, sink and chain', async () => {
  const transform = nearest(Float32Array.of(1, 0, 0, 1), { k: 1, dimensions: 2, metric: 'dot' })
  const queries = [Float32Array.of(2, 0), Float32Array.of(0, 3)]
  const expected = [[[{ index: 0, score: 2 }]], [[{ index: 1, score: 3 }]]]
  assert.deepEqual(await pool.map(transform, queries), expected)
  const iterated = []
  for await (const lists of pool.iterate(transform, queries)) iterated.push(lists)
  assert.deepEqual(iterated, expected)
  const sorted = /** @type {import('../..').PoolTransform<Float32Array, Float32Array>} */ (transforms.numeric.sort())
  const chained = transforms.chain(sorted, transform, transforms.json.stringify())
  assert.equal(`${await pool.run(chained, Float32Array.of(2, 0))}`, '[[{"index":1,"score":2}]]')
})

test('rejects invalid arguments and inputs', async () => {
  const matrix = new Float32Array(4)
  for (const value of [
    undefined,
    null,
    'text',
    [1, 2],
    new Float64Array(4),
    new ArrayBuffer(16),
    move(new ArrayBuffer(16))
  ]) {
    assert.throws(() => bad.nearest(value, { k: 1, dimensions: 1 }), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "matrix" argument must be an instance of Float32Array\. Received/
    })
  }
  assert.throws(() => nearest(matrix, { k: 1, dimensions: 3 }), {
    name: 'RangeError',
    code: 'ERR_OUT_OF_RANGE',
    message: 'The length of the "matrix" argument must be a multiple of 3 (options.dimensions). Received 4'
  })
  assert.throws(() => bad.nearest(matrix), { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.k"/ })
  assert.throws(() => bad.nearest(matrix, { k: 1 }), { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.dimensions"/ })
  assert.throws(() => nearest(matrix, { k: 0, dimensions: 1 }), { code: 'ERR_OUT_OF_RANGE' })
  assert.throws(() => bad.nearest(matrix, { k: 1, dimensions: 1, metric: 'x' }), { code: 'ERR_INVALID_ARG_VALUE' })
  assert.throws(() => bad.nearest(matrix, { k: 1, dimensions: 1, size: 1 }), /'options\.size' is unknown/)
  const detaching = {
    dimensions: 1,
    get k() {
      structuredClone(matrix.buffer, { transfer: [matrix.buffer] })
      return 1
    }
  }
  assert.throws(() => nearest(matrix, detaching), { message: /^The "matrix" argument must not be detached/ })

  const transform = nearest(new Float32Array(6), { k: 1, dimensions: 2 })
  for (const length of [0, 1, 3]) {
    await assert.rejects(pool.run(transform, new Float32Array(length)), {
      code: 'ERR_OFFLOOP_INVALID_DATA',
      message: `The length of the input must be 2 (options.dimensions), or a multiple of it. Received ${length}`
    })
  }
  const error = { name: 'TypeError', message: /^The "input" argument must be an instance of Float32Array/ }
  await assert.rejects(pool.run(transform, /** @type {any} */ (new Float64Array(2))), error)
})

const index = JSON.stringify(require.resolve('../..'))

/** Runs a script with `grown()`, the growth of the process's memory in matrices, and `freed()`, which waits until that growth is gone.
 * @param {string} body
 */
async function inChild(body) {
  const script = `
    const { pool, move, transforms } = require(${index})
    const { nearest } = transforms.numeric
    const turn = () => new Promise(resolve => setImmediate(resolve))
    const BYTES = 128 << 20
    const make = wrap => nearest(wrap(new Float32Array(BYTES / 4).fill(1)), { k: 1, dimensions: 16 })
    const collect = async () => { for (let i = 0; i < 20; i++) { gc(); await turn() } }
    const memory = async () => { await collect(); return process.memoryUsage().rss }
    const query = new Float32Array(16).fill(1)
    ;(async () => {
      await pool.run(nearest(query, { k: 1, dimensions: 16 }), query)
      const start = await memory()
      const grown = async () => Math.round((await memory() - start) / BYTES)
      // A thread may free the memory a moment later.
      const freed = async () => { for (let i = 0; i < 50; i++) if (await grown() === 0) return 0; return grown() }
      ${body}
    })()
  `
  const { code, stdout, stderr } = await node(['--expose-gc', '-e', script])
  assert.deepEqual([code, stderr], [0, ''])
  return stdout.trim()
}

for (const wrap of ['it => it', 'move']) {
  test(`frees the matrix by disposal and by collection: ${wrap}`, async () => {
    const grown = await inChild(`
      const out = []
      let transform = make(${wrap})
      await pool.run(transform, query)
      out.push(await grown())
      transform[Symbol.dispose]()
      out.push(await freed())
      transform = make(${wrap})
      const running = pool.run(transform, query)
      transform = undefined
      await collect()
      out.push((await running)[0].length, await freed())
      console.log(out.join())
    `)
    assert.equal(grown, '1,0,1,0')
  })
}

test('a worker thread may end while it holds a moved matrix and searches it', async () => {
  const script = `
    const { Worker } = require('node:worker_threads')
    const worker = new Worker(${JSON.stringify(`
      const { pool, move, transforms } = require(${index})
      const matrix = new Float32Array(16 << 20)
      const transform = transforms.numeric.nearest(move(matrix), { k: 1, dimensions: 1 })
      for (let i = 0; i < 8; i++) pool.run(transform, new Float32Array(64))
      require('node:worker_threads').parentPort.postMessage('running')
    `)}, { eval: true })
    worker.on('message', () => worker.terminate())
    worker.on('exit', () => console.log('ended'))
  `
  const { code, stdout, stderr } = await node(['-e', script])
  assert.deepEqual([code, stdout.trim(), stderr], [0, 'ended', ''])
})
