'use strict'

/** @typedef {import('../facts').FactFrame} FactFrame */

/** Files of the streams of Node.js, and of the package `readable-stream`, which contains a copy. */
const STREAMS =
  /^node:internal\/streams\/(writable|transform|duplex)$|readable-stream[\\/]lib[\\/](internal[\\/]streams[\\/]|_stream_)(writable|transform|duplex)\.js$/
/** Functions of streams that call callbacks and listeners instead of write functions. */
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
