'use strict'

/** Blocks its thread for `micros` microseconds. @param {number} micros */
module.exports = micros => {
  const end = performance.now() + micros / 1000
  while (performance.now() < end);
  return micros
}

/** @param {ArrayBuffer} buffer */
module.exports.size = buffer => buffer.byteLength
