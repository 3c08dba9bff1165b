'use strict'

/** @typedef {import('../facts').FactFrame} FactFrame */

/** Streams of Node.js, and the package with a copy of them. */
const STREAMS =
  /^node:internal\/streams\/(writable|transform|duplex)$|readable-stream[\\/]lib[\\/](internal[\\/]streams[\\/]|_stream_)(writable|transform|duplex)\.js$/
/** Functions of streams that call back the writer. */
const CALLBACKS = /afterWrite|onwrite|error|destroy|finish|emit/i

/**
 * Returns whether a stream calls a function of the program to write or transform: `_write`, `_writev`, `_transform`,
 * `_flush`, `_final`, or the options of those names.
 * @param {FactFrame} frame
 * @param {FactFrame | undefined} caller
 */
function isWriteCall(frame, caller) {
  if (!frame.isUser || frame.isAsync || caller === undefined) return false
  return STREAMS.test(caller.file) && (!CALLBACKS.test(caller.name) || caller.name === 'prefinish')
}

module.exports = { isWriteCall }
