'use strict'

const { inspect } = require('node:util')
const { OffloopError } = require('../internal/errors')
const { toText } = require('../internal/error-codec')

/** @typedef {import('./worker-thread').Exit} Exit */

/** Main file of worker threads. */
const WORKER_MAIN = 'worker-main.js'

/**
 * Returns the error of a task that is lost because its thread ended.
 * @param {Exit} exit
 * @param {string} when
 */
function exitError(exit, when) {
  return errorOf(exit, `${nameOf('of', exit)} ended ${when}`)
}

/** Returns the error of a thread that ended between two tasks. @param {Exit} exit */
function idleExitError(exit) {
  return errorOf(exit, `${nameOf('that last ran', exit)} ended between two tasks`)
}

/** @type {(relation: string, exit: Exit) => string} */
function nameOf(relation, { source }) {
  return source === undefined ? '' : ` ${relation} '${source.name}' in ${source.specifier}`
}

/** @type {(exit: Exit, end: string) => OffloopError} */
function errorOf({ code, error }, end) {
  const message = `The worker thread${end}: ${describeExit(code, error)}`
  const lost = new OffloopError('ERR_OFFLOOP_WORKER_EXIT', message, { transform: 'worker' })
  if (error !== undefined) lost.cause = error
  return lost
}

/**
 * @param {number} code
 * @param {unknown} error that may be any value
 */
function describeExit(code, error) {
  if (error === undefined) return `exit code ${code}`
  if (/** @type {any} */ (error)?.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'it ran out of memory'
  if (lacksMain(error)) return `${WORKER_MAIN} of offloop is missing. When you bundle, keep offloop external`
  return `uncaught: ${error instanceof Error ? toText(error) : inspect(error, { depth: 1 })}`
}

/** Whether the main file of worker threads was not found. @param {any} error */
function lacksMain(error) {
  return error?.code === 'MODULE_NOT_FOUND' && `${error.message}`.split('\n', 1)[0].includes(WORKER_MAIN)
}

module.exports = { exitError, idleExitError }
