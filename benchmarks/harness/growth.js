'use strict'

// Cases that compare the cost of an operation at a small and at a large size.

const { processPerRound } = require('./process-per-round.js')

/**
 * @typedef {import('./case.js').Case} Case
 * @typedef {import('./case.js').Contender} Contender
 * @typedef {import('./case.js').Measure} Measure
 *
 * @typedef {object} Growth
 * @property {string} name of the case
 * @property {string} what
 * @property {string} file of load/, run with the name of a contender and a size; prints the cost of each operation as JSON
 * @property {[small: number, large: number]} sizes
 * @property {readonly string[]} operations
 * @property {readonly string[]} contenders
 * @property {readonly string[]} [judged] contenders that have a target; only `offloop` by default
 * @property {readonly string[]} [flags] of Node
 */

/** Limit of the cost at the large size divided by that at the small one. */
const AT_MOST = 1.5

/**
 * @param {Growth} growth
 * @returns {Case}
 */
function growthCase({ name, what, file, sizes, operations, contenders, judged = ['offloop'], flags }) {
  const labels = sizes.map(size => size.toLocaleString('en'))
  /** @returns {Measure[]} */
  const measures = (/** @type {string} */ operation) => [
    { name: `${operation}, growth`, unit: '×', target: { of: 'value', atMost: AT_MOST, contenders: judged } },
    ...labels.map(label => ({ name: `${operation}, ${label}`, unit: 'ns' }))
  ]
  /** @returns {Contender} */
  const contender = (/** @type {string} */ name) => {
    const programs = sizes.map(size => processPerRound(name, file, [name, String(size)], flags))
    return {
      name,
      async round() {
        const small = await programs[0].round()
        const large = await programs[1].round()
        const entries = operations.flatMap(operation => [
          [`${operation}, growth`, large[operation] / small[operation]],
          [`${operation}, ${labels[0]}`, small[operation]],
          [`${operation}, ${labels[1]}`, large[operation]]
        ])
        return Object.fromEntries(entries)
      }
    }
  }
  return { name, what, once: true, measures: operations.flatMap(measures), open: () => contenders.map(contender) }
}

module.exports = { growthCase }
