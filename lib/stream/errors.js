'use strict'

const { nextTick } = require('../internal/clock')

/** Returns the error of pending writes when a stream is destroyed without one: code and message are Node's. */
function destroyedError() {
  return Object.assign(new Error('Cannot call write after a stream was destroyed'), { code: 'ERR_STREAM_DESTROYED' })
}

/**
 * Calls back an unfinished write after the stream has closed: before, Node would take its error for the stream's. Node fails the
 * buffered writes behind it afterwards.
 * @param {((error?: Error | null) => void) | undefined} callback
 * @param {Error | null} error
 */
function failUnwritten(callback, error) {
  if (callback !== undefined) nextTick(() => callback(error ?? destroyedError()))
}

/** Returns the error of `sink.result` if the stream closes before the result. */
function prematureCloseError() {
  return Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}

module.exports = { failUnwritten, prematureCloseError }
