'use strict'

const { finished } = require('node:stream')
const { unwatch, watch } = require('../internal/abort')
const { toText } = require('../internal/error-codec')

/** @typedef {import('node:stream').Writable | import('node:stream').Duplex} Stream */

/**
 * Destroys a stream when a signal aborts, as Node's `addAbortSignal` does. If the signal cannot be listened to, the stream is
 * destroyed and the error thrown.
 * @param {AbortSignal} signal
 * @param {Stream} stream
 */
function watchSignal(signal, stream) {
  const abortable = { abort: (/** @type {unknown} */ reason) => stream.destroy(abortError(reason)) }
  try {
    if (signal.aborted) {
      abortable.abort(signal.reason)
      return
    }
    watch(signal, abortable)
  } catch (error) {
    stream.destroy()
    throw error
  }
  finished(stream, () => unwatch(signal, abortable))
}

/** @param {unknown} cause */
function abortError(cause) {
  const error = new Error('The operation was aborted', { cause })
  return Object.assign(error, { code: 'ABORT_ERR', name: 'AbortError' })
}

/**
 * Turns a value thrown by user code into an error that can destroy a sink. Node treats a falsy value as the absence of an error, and
 * reads the stack of any other.
 * @param {any} thrown
 * @returns {Error}
 */
function asError(thrown) {
  try {
    thrown.stack
    if (thrown) return thrown
  } catch {}
  return new Error(`The sink was ended by ${toText(thrown)}`, { cause: thrown })
}

module.exports = { asError, watchSignal }
