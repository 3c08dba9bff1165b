'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool, occupy, move, pool, transforms } = require('../support/fault-addon')

const { numeric } = transforms

const { histogram, sort, stats } = transforms.numeric
const bad = /** @type {any} */ (transforms.numeric)

/** Returns deterministic pseudorandom numbers. @param {number} count */
function noise(count) {
  let state = 7
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state / 2 ** 32 - 0.5) * 1e6
  })
}

test('sorts every typed array like its own sort()', async () => {
  const numbers = noise(20_000)
  for (const Class of [
    Float64Array,
    Float32Array,
    Int32Array,
    Uint32Array,
    Int16Array,
    Uint16Array,
    Int8Array,
    Uint8Array
  ]) {
    const input = Class.from(numbers)
    const expected = input.slice().sort()
    const sorted = await pool.run(sort(), input)
    assert.ok(sorted instanceof Class, Class.name)
    assert.deepEqual(sorted, expected)
    assert.deepEqual(await pool.run(sort({ descending: true }), input), expected.slice().reverse())
    assert.deepEqual(await pool.run(sort(), new Class(0)), new Class(0))
  }
  for (const Class of [BigInt64Array, BigUint64Array]) {
    const input = Class.from([3n, 1n, 2n ** 62n, 0n])
    assert.deepEqual(await pool.run(sort(), input), input.slice().sort())
  }
  const special = new Float64Array([Number.NaN, 0, -0, -1, Infinity, -Infinity, Number.NaN])
  assert.deepEqual(await pool.run(sort(), special), special.slice().sort())
  const part = new Float64Array([9, 3, 1, 2]).subarray(1)
  assert.deepEqual(await pool.run(sort(), part), new Float64Array([1, 2, 3]))
  const moved = numbers.slice()
  assert.equal((await pool.run(sort(), move(moved))).length, 20_000)
  assert.equal(moved.length, 0)
})

test('stats equal those of a plain loop', async () => {
  const numbers = noise(100_001)
  const found = await pool.run(stats({ quantiles: [0, 0.5, 0.9, 1] }), numbers)
  const sorted = numbers.slice().sort()
  const mean = numbers.reduce((sum, it) => sum + it, 0) / numbers.length
  const stddev = Math.sqrt(numbers.reduce((sum, it) => sum + (it - mean) ** 2, 0) / numbers.length)
  assert.deepEqual([found.count, found.min, found.max], [100_001, sorted[0], sorted[100_000]])
  assert.ok(Math.abs(found.mean - mean) < 1e-6 && Math.abs(found.stddev - stddev) < 1e-6)
  assert.deepEqual(found.quantiles, Float64Array.from([sorted[0], sorted[50_000], sorted[90_000], sorted[100_000]]))
  assert.deepEqual((await pool.run(stats(), new Uint8Array([1, 2, 3]))).mean, 2)
  const empty = await pool.run(stats({ quantiles: new Float64Array([0.5]) }), new Float32Array(0))
  assert.deepEqual([empty.count, empty.mean, empty.quantiles[0]], [0, Number.NaN, Number.NaN])
})

test('a histogram counts the numbers in its range', async () => {
  const { edges, counts } = await pool.run(
    histogram({ bins: 4, range: [0, 8] }),
    new Int16Array([0, 1, 2, 7, 8, 9, -1])
  )
  assert.deepEqual([edges, counts], [Float64Array.of(0, 2, 4, 6, 8), Float64Array.of(2, 1, 0, 2)])
  const all = await pool.run(histogram({ bins: 100 }), noise(50_000))
  assert.equal(
    all.counts.reduce((sum, it) => sum + it),
    50_000
  )
})

test('works with map and chain, and rejects invalid inputs and options', async () => {
  assert.deepEqual(await pool.map(sort(), [Float32Array.of(2, 1), Uint8Array.of(9, 8)]), [
    Float32Array.of(1, 2),
    Uint8Array.of(8, 9)
  ])
  const chained = transforms.chain(sort(), stats())
  assert.equal((await pool.run(chained, Float64Array.of(3, 1))).mean, 2)
  for (const input of ['text', new ArrayBuffer(8), new DataView(new ArrayBuffer(8)), [1, 2], null]) {
    await assert.rejects(pool.run(bad.sort(), input), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' })
  }
  assert.throws(() => stats({ quantiles: [2] }), { code: 'ERR_OUT_OF_RANGE' })
  assert.throws(() => bad.stats({ quantiles: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => bad.histogram({}), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.throws(() => histogram({ bins: 0 }), { code: 'ERR_OUT_OF_RANGE' })
  assert.throws(() => bad.sort({ descend: true }), /'options.descend' is unknown/)
  const full = new Pool({ threads: 1, maxQueueBytes: 8 })
  const { release } = occupy(full)
  await assert.rejects(full.run(sort(), new Float64Array(1)), { code: 'ERR_OFFLOOP_QUEUE_FULL' })
  await release()
  await full.close()
})

test('sorting a Buffer returns a Buffer', async () => {
  const sorted = await pool.run(numeric.sort(), Buffer.from([3, 1, 2]))
  assert.deepEqual(sorted, Buffer.from([1, 2, 3]))
})

test('the error of a map has the index of the invalid input', async () => {
  const inputs = /** @type {any[]} */ ([new Float64Array([1]), [3, 1]])
  await assert.rejects(pool.map(numeric.sort(), inputs), {
    name: 'TypeError',
    message: /^inputs\[1\] must be an instance of Float64Array, /
  })
})

test('quantiles and bins support the full range of doubles', async () => {
  const median = numeric.stats({ quantiles: [0.5] })
  assert.deepEqual((await pool.run(median, new Float64Array([1, Infinity, Infinity, Infinity]))).quantiles[0], Infinity)
  assert.deepEqual((await pool.run(median, new Float64Array([-1.7e308, 1.7e308]))).quantiles[0], 0)
  const { edges, counts } = await pool.run(numeric.histogram({ bins: 4 }), new Float64Array([-1.7e308, 0, 1.7e308]))
  assert.deepEqual([...counts], [1, 0, 1, 1])
  assert.ok(edges.every(Number.isFinite))
  assert.deepEqual([...(await pool.run(numeric.histogram({ bins: 2 }), new Float64Array([1e300]))).counts], [0, 1])
})

test('the mean of equal numbers is that number', async () => {
  const { mean, min, max } = await pool.run(numeric.stats(), new Float64Array(200_000).fill(0.1))
  assert.deepEqual([mean, min, max], [0.1, 0.1, 0.1])
})
