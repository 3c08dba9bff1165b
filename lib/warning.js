'use strict'

const { isNativeError } = require('node:util').types
const { text } = require('./told-errors')

/**
 * Emits what code of the user's threw where no caller is left to reject. It never throws itself.
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
