'use strict'

// Finds out whether most requests failed: such a measurement says little about the handlers.

const { number, percent } = require('./judge/sites')
const { sum } = require('./judge/statistics')

/** @typedef {import('./facts').Facts} Facts */

/** Share of the responses above which a run is reported. */
const MOST = 0.5

/**
 * Returns that most responses were errors, or `undefined`. Of the doctor's own load, every status is known; otherwise the errors are those
 * that the program counted, with a status of 500 or more.
 * @param {Facts} facts
 */
function errorsOf({ load, processes }) {
  if (load?.statuses !== undefined) return ofLoad(load.statuses, load.errors)
  const [count, errors] = [
    sum(processes.map(({ requests }) => requests.count)),
    sum(processes.map(({ requests }) => requests.errors))
  ]
  return errors > count * MOST ? `${percent(errors / count)} of the responses had a status of 500 or more` : undefined
}

/**
 * @param {Readonly<Record<string, number>>} statuses number of responses by status
 * @param {number} errors
 */
function ofLoad(statuses, errors) {
  const count = sum(Object.values(statuses))
  // The end of the program closes connections, so their errors count only if there is nothing else.
  if (count === 0) return errors === 0 ? undefined : `the load got no response, but ${number(errors)} errors`
  const failed = Object.entries(statuses).filter(([status]) => Number(status) >= 400)
  const share = sum(failed.map(([, count]) => count)) / count
  if (share <= MOST) return undefined
  const [[status]] = failed.sort(([, one], [, other]) => other - one)
  return `${percent(share)} of the responses to the load were errors, most with status ${status}`
}

module.exports = { errorsOf }
