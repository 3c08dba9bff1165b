'use strict'

const { detachedError } = require('../internal/validate')
const { isDetached } = require('../internal/detached')

const NAME = 'The "chunk" argument'

/** The errors of chunks, by their stand-ins. @type {WeakMap<object, Error>} */
const errors = new WeakMap()

/**
 * Returns a chunk for Node's own `write` and `end`. These convert each view to a Buffer, which for lost memory would throw V8's
 * error into the code that pipes. A stand-in takes the chunk's place in the stream instead, and fails in its turn.
 * @param {import('node:stream').Writable} stream
 * @param {any} chunk
 */
function asWritable(stream, chunk) {
  if (!isDetached(chunk) || stream.writableObjectMode) return chunk
  const placeholder = Buffer.alloc(0)
  errors.set(placeholder, detachedError(NAME, chunk))
  return placeholder
}

/**
 * Returns the error of a chunk whose memory was lost before or after it was written.
 * @param {any} chunk
 * @returns {Error | undefined}
 */
function chunkError(chunk) {
  return errors.get(chunk) ?? (isDetached(chunk) ? detachedError(NAME, chunk) : undefined)
}

module.exports = { chunkError, asWritable }
