'use strict'

const { lostMemory } = require('../validate')
const { isLost } = require('../lost')

const NAME = 'The "chunk" argument'

/** What became of chunks that these stand for. @type {WeakMap<object, Error>} */
const errors = new WeakMap()

/**
 * A chunk as it is passed to Node's own `write` and `end`. Those make a Buffer of each view, which throws V8's own words where
 * memory is lost, into whatever pipes. A stand-in has its place among the other chunks, and fails there.
 * @param {import('node:stream').Writable} stream
 * @param {any} chunk
 */
function writable(stream, chunk) {
  if (!isLost(chunk) || stream.writableObjectMode) return chunk
  const standIn = Buffer.alloc(0)
  errors.set(standIn, lostMemory(NAME, chunk))
  return standIn
}

/**
 * The error of a chunk whose memory is lost, since before it was written or since then.
 * @param {any} chunk
 * @returns {Error | undefined}
 */
function errorOf(chunk) {
  return errors.get(chunk) ?? (isLost(chunk) ? lostMemory(NAME, chunk) : undefined)
}

module.exports = { errorOf, writable }
