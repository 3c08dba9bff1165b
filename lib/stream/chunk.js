'use strict'

const { detachedError } = require('../internal/validate')
const { isDetached } = require('../internal/detached')

const NAME = 'The "chunk" argument'

/** Errors of detached chunks, by placeholder. @type {WeakMap<object, Error>} */
const errors = new WeakMap()

/**
 * Replaces a detached chunk by a placeholder, which fails when the stream reaches it. Node's `write` and `end` would convert the
 * chunk to a Buffer, and throw V8's error into the code that pipes.
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
 * Returns the error of a chunk that was detached before or after it was written.
 * @param {any} chunk
 * @returns {Error | undefined}
 */
function chunkError(chunk) {
  return errors.get(chunk) ?? (isDetached(chunk) ? detachedError(NAME, chunk) : undefined)
}

module.exports = { chunkError, asWritable }
