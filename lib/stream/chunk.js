'use strict'

const { lostMemory } = require('../internal/validate')
const { isLost } = require('../internal/detached')

const NAME = 'The "chunk" argument'

/** The errors of chunks, by their stand-ins. @type {WeakMap<object, Error>} */
const errors = new WeakMap()

/**
 * Returns a chunk for Node's own `write` and `end`. These convert each view to a Buffer, which for lost memory would throw V8's
 * error into the code that pipes. A stand-in takes the chunk's place in the stream instead, and fails in its turn.
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
 * Returns the error of a chunk whose memory was lost before or after it was written.
 * @param {any} chunk
 * @returns {Error | undefined}
 */
function errorOf(chunk) {
  return errors.get(chunk) ?? (isLost(chunk) ? lostMemory(NAME, chunk) : undefined)
}

module.exports = { errorOf, writable }
