'use strict'

const { isNativeError } = require('node:util').types
const { toText } = require('./error-codec')

/**
 * Emits a value thrown by user code as a warning, for when no caller is left to reject. It never throws.
 * @param {unknown} error
 */
function warn(error) {
  try {
    process.emitWarning(isNativeError(error) ? error : toText(error))
  } catch {
    process.emitWarning(toText(error))
  }
}

module.exports = { warn }
