'use strict'

const { checkBoolean, checkInteger, checkOptions, checkSignal, priorityNumber } = require('../../internal/validate')

const OPTIONS = ['signal', 'priority', 'concurrency', 'settle']
const MAX_CONCURRENCY = 2 ** 31 - 1

/**
 * Checks the options of a bulk call. Each is read once: a getter may return another value the second time.
 * @param {import('../../..').MapOptions} options
 * @param {number} concurrency unless the options set it
 */
function readBulkOptions(options, concurrency) {
  checkOptions(options, OPTIONS)
  const { signal, settle = false, concurrency: given, priority } = options
  const chosen = given ?? concurrency
  if (signal !== undefined) checkSignal(signal)
  checkBoolean('options.settle', settle)
  checkInteger('options.concurrency', chosen, 1, MAX_CONCURRENCY)
  return { signal, settle, concurrency: chosen, priority: priorityNumber(priority) }
}

module.exports = { readBulkOptions }
