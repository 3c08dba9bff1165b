'use strict'

// Numbers and encryption off the event loop, compared with plain code on it.

const { deepStrictEqual } = require('node:assert')
const { createCipheriv, randomBytes } = require('node:crypto')
const { Pool, move, transforms } = require('../../../index.js')
const { MIB } = require('../../data/documents.js')
const { measureThroughput, throughputMeasures } = require('../../harness/measure-stop.js')

/** @typedef {import('../../harness/case.js').Case} Case */

const NUMBERS = 5_000_000
const ROWS = 100_000
const DIMENSIONS = 384
const NEAREST = 10
const QUERIES = 64
const MESSAGE = 64 * MIB

/**
 * @param {(index: number) => number} make
 * @param {number} length
 */
const numbers = (make, length) => Float64Array.from({ length }, (_, index) => make(index))

/** @returns {Case} */
function sort() {
  const transform = transforms.numeric.sort()
  return {
    name: 'sort',
    what: 'numeric.sort of 5,000,000 doubles',
    reference: 'Float64Array.prototype.sort',
    measures: throughputMeasures({ of: 'ratio', atLeast: 2 }),
    async open(threads) {
      const input = numbers(index => Math.sin(index) * 1e9, NUMBERS)
      const pool = new Pool({ threads })
      deepStrictEqual(await pool.run(transform, input), input.slice().sort())
      return [
        {
          name: 'offloop',
          round: () => measureThroughput(input.byteLength, () => pool.run(transform, input)),
          close: () => pool.close()
        },
        {
          name: 'Float64Array.prototype.sort',
          round: () => measureThroughput(input.byteLength, () => input.slice().sort())
        }
      ]
    }
  }
}

/** Matrix of the cases of `nearest`. */
const matrix = () => Float32Array.from({ length: ROWS * DIMENSIONS }, (_, index) => Math.sin(index * index))
const NEAREST_OPTIONS = /** @type {const} */ ({ k: NEAREST, dimensions: DIMENSIONS, metric: 'dot' })

/** @returns {Case} */
function nearestOne() {
  return {
    name: 'nearest-one',
    what: 'numeric.nearest of one query among 100,000 rows of 384 dimensions by their dot product',
    reference: 'loop',
    measures: throughputMeasures({ of: 'ratio', atLeast: 3 }),
    async open(threads) {
      const rows = matrix()
      const query = Float32Array.from({ length: DIMENSIONS }, (_, index) => Math.cos(index))
      const transform = transforms.numeric.nearest(rows, NEAREST_OPTIONS)
      const pool = new Pool({ threads })
      const [found] = await pool.run(transform, query)
      deepStrictEqual(
        found.map(({ index }) => index),
        loop(rows, query)
      )
      return [
        {
          name: 'offloop',
          round: () => measureThroughput(rows.byteLength, () => pool.run(transform, query)),
          close: () => pool.close()
        },
        { name: 'loop', round: () => measureThroughput(rows.byteLength, () => loop(rows, query)) }
      ]
    }
  }
}

/** @returns {Case} */
function nearestBatch() {
  return {
    name: 'nearest-batch',
    what: 'numeric.nearest of 64 queries in one input, compared with 64 concurrent tasks; throughput counts the matrix for each query',
    reference: 'single queries',
    measures: throughputMeasures({ of: 'ratio', atLeast: 1.5 }),
    async open(threads) {
      const transform = transforms.numeric.nearest(move(matrix()), NEAREST_OPTIONS)
      const batch = Float32Array.from({ length: QUERIES * DIMENSIONS }, (_, index) => Math.cos(index))
      const queries = Array.from({ length: QUERIES }, (_, index) =>
        batch.slice(index * DIMENSIONS, (index + 1) * DIMENSIONS)
      )
      const pool = new Pool({ threads })
      const single = () => Promise.all(queries.map(query => pool.run(transform, query)))
      deepStrictEqual(await pool.run(transform, batch), (await single()).flat())
      return [
        {
          name: 'offloop',
          round: () => measureThroughput(transform.bytes * QUERIES, () => pool.run(transform, batch)),
          close: () => pool.close()
        },
        { name: 'single queries', round: () => measureThroughput(transform.bytes * QUERIES, single) }
      ]
    }
  }
}

/**
 * Returns the rows with the largest products in descending order.
 * @param {Float32Array} matrix
 * @param {Float32Array} query
 */
function loop(matrix, query) {
  /** @type {{ index: number, score: number }[]} */
  const best = []
  for (let row = 0; row < ROWS; row++) {
    const start = row * DIMENSIONS
    let score = 0
    for (let column = 0; column < DIMENSIONS; column++) score += matrix[start + column] * query[column]
    if (best.length === NEAREST && score <= best[NEAREST - 1].score) continue
    const position = best.findIndex(other => score > other.score)
    best.splice(position < 0 ? best.length : position, 0, { index: row, score })
    best.length = Math.min(best.length, NEAREST)
  }
  return best.map(({ index }) => index)
}

/** @returns {Case} */
function seal() {
  const key = randomBytes(32)
  const transform = transforms.seal('aes-256-gcm', key)
  const open = transforms.open('aes-256-gcm', key)
  return {
    name: 'seal',
    what: 'seal of 64 MiB with AES-256-GCM',
    reference: 'createCipheriv',
    measures: throughputMeasures({ of: 'ratio', atLeast: 0.9 }, 5),
    async open(threads) {
      const message = randomBytes(MESSAGE)
      const pool = new Pool({ threads })
      deepStrictEqual(await pool.run(open, await pool.run(transform, message)), message)
      return [
        {
          name: 'offloop',
          round: () => measureThroughput(MESSAGE, () => pool.run(transform, message)),
          close: () => pool.close()
        },
        { name: 'createCipheriv', round: () => measureThroughput(MESSAGE, () => cipher(key, message)) }
      ]
    }
  }
}

function cipher(/** @type {Buffer} */ key, /** @type {Buffer} */ message) {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  return Buffer.concat([nonce, cipher.update(message), cipher.final(), cipher.getAuthTag()])
}

module.exports = { cases: [sort(), nearestOne(), nearestBatch(), seal()] }
