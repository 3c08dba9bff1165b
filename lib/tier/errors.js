'use strict'

const { OffloopError } = require('../internal/errors')

/**
 * @param {string} what the tier did
 * @param {Error | undefined} cause
 */
function tierError(what, cause) {
  const why = cause === undefined ? '' : `: ${cause.message}`
  const error = new OffloopError('ERR_OFFLOOP_TIER', `The tier ${what}${why}`)
  if (cause !== undefined) error.cause = cause
  return error
}

module.exports = { tierError }
