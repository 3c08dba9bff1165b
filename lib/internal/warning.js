'use strict'

const { isNativeError } = require('node:util').types
const { text } = require('./error-codec')

/**
 * Emits a value thrown by user code as a warning, for when no caller is left to reject. It never throws.
 * @param {unknown} error
 */
function warn(error) {
  try {
    process.emitWarning(isNativeError(error) ? error : text(error))
  } catch {
    process.emitWarning(text(error))
  }
}

module.exports = { warn }
