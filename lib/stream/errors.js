'use strict'

const { nextTick } = require('../internal/clock')

/** What whoever still waits for a stream is told when it was destroyed without an error, in Node's own words. */
function destroyedError() {
  return Object.assign(new Error('Cannot call write after a stream was destroyed'), { code: 'ERR_STREAM_DESTROYED' })
}

/**
 * Node gives buffered writes back only after the one under way, which is to be called back after the stream has closed: its
 * error would be taken for the stream's own.
 * @param {((error?: Error | null) => void) | undefined} callback
 * @param {Error | null} error
 */
function failUnwritten(callback, error) {
  if (callback !== undefined) nextTick(() => callback(error ?? destroyedError()))
}

/** What whoever waits for the result of a stream is told that closed before it had one. */
function prematureCloseError() {
  return Object.assign(new Error('Premature close'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
}

module.exports = { failUnwritten, prematureCloseError }
