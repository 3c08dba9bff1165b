'use strict'

const { toText } = require('./error-codec')

/**
 * Emits a value thrown by user code as a warning, for when no caller is left to reject.
 * @param {string} what failed
 * @param {unknown} cause
 */
function warn(what, cause) {
  const warning = new Error(`${what}: ${toText(cause)}`, { cause })
  warning.name = 'Warning'
  process.emitWarning(warning)
}

module.exports = { warn }
