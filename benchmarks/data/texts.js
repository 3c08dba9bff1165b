'use strict'

// Data of many kinds for compressors, the same in every run.

const { createCipheriv } = require('node:crypto')
const { gzipSync } = require('node:zlib')
const { random } = require('./ids.js')
const { record } = require('./records.js')

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const MESSAGES = ['request completed', 'cache miss', 'connection reset by peer', 'user logged in', 'retrying']

/**
 * Returns pieces, joined and cut to a size.
 * @param {number} size
 * @param {(index: number) => string} piece
 */
function pieces(size, piece) {
  const parts = []
  for (let length = 0; length < size; length += /** @type {string} */ (parts.at(-1)).length)
    parts.push(piece(parts.length))
  return Buffer.from(parts.join('')).subarray(0, size)
}

/** @param {number} size */
function records(size) {
  return pieces(size, index => `${JSON.stringify(record(index))},`)
}

/** @param {number} size */
function logs(size) {
  const next = random(1)
  let time = 1_700_000_000_000
  return pieces(size, () => {
    time += Math.floor(next() * 50)
    const id = Math.floor(next() * 2 ** 32).toString(16)
    return `{"level":"${pick(['info', 'info', 'warn', 'error'], next)}","time":${time},"pid":4242,"hostname":"web-${Math.floor(next() * 8)}","reqId":"${id}","msg":"${pick(MESSAGES, next)}","durationMs":${Math.floor(next() * 300)},"status":${pick([200, 201, 404, 500], next)}}\n`
  })
}

/** @param {number} size */
function csv(size) {
  const next = random(2)
  const number = () => Math.floor(next() * 90_000)
  return pieces(
    size,
    index => `${index},${(next() * 180 - 90).toFixed(5)},${(next() * 360 - 180).toFixed(5)},${number()}\n`
  )
}

/**
 * Returns random words from a small vocabulary.
 * @param {number} size
 * @param {number} [vocabulary]
 */
function words(size, vocabulary = 30) {
  const next = random(3)
  const word = () => Array.from({ length: 2 + Math.floor(next() * 8) }, () => pick([...LETTERS], next)).join('')
  const known = Array.from({ length: vocabulary }, word)
  return pieces(size, () => `${pick(known, next)} `)
}

/** @param {number} size */
function noise(size) {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(size))
}

/** @param {number} size */
function packed(size) {
  return gzipSync(csv(size * 3)).subarray(0, size)
}

/**
 * @template T
 * @param {readonly T[]} values
 * @param {() => number} next
 */
function pick(values, next) {
  return /** @type {T} */ (values[Math.floor(next() * values.length)])
}

module.exports = { csv, logs, noise, packed, records, words }
