'use strict'

const { toText } = require('./error-codec')

/**
 * Emits a value thrown by user code as a warning, for when no caller is left to reject.
 * @param {string} summary as in "onEvict of a cache failed for 'a'"
 * @param {unknown} cause
 */
function warn(summary, cause) {
  const warning = new Error(`${summary}: ${toText(cause)}`, { cause })
  warning.name = 'Warning'
  process.emitWarning(warning)
}

module.exports = { warn }
