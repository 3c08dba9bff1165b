'use strict'

const { median } = require('./statistics.js')

/**
 * @typedef {import('./row.js').Row} Row
 * @typedef {import('./row.js').Measure} Measure
 * @typedef {import('./row.js').Measured} Measured
 * @typedef {import('./row.js').Sample} Sample
 *
 * @typedef {object} Value
 * @property {string} measure
 * @property {string} unit
 * @property {string} contender
 * @property {number} value
 * @property {number | undefined} [ratio] to the reference
 * @property {number[]} rounds
 *
 * @typedef {ReturnType<typeof summary>} Summary
 */

/**
 * What the rounds of a row come to.
 * @param {string} group
 * @param {Row} row
 * @param {Measured} measured
 */
function summary(group, row, { threads, contenders }) {
  const reference = contenders.find(({ name }) => name === row.reference)?.rounds
  const values = row.measures.flatMap(measure => {
    return contenders.flatMap(({ name, rounds }) => value(measure, name, rounds, reference))
  })
  const bars = row.measures.flatMap(measure => bar(measure, values))
  const { name, what } = row
  return { group, name, what, threads, reference: row.reference, rounds: contenders[0].rounds.length, values, bars }
}

/**
 * @param {Measure} measure
 * @param {string} contender
 * @param {Sample[]} samples
 * @param {Sample[]} [reference] the same rounds of the reference
 * @returns {Value[]} none if the contender does not have this measure
 */
function value({ name, unit, fold }, contender, samples, reference) {
  if (samples[0][name] === undefined) return []
  const rounds = samples.map(sample => sample[name])
  const peers = reference?.map(sample => sample[name])
  return [{ measure: name, unit, contender, value: folded(rounds, fold), ratio: ratio(rounds, peers, fold), rounds }]
}

/**
 * Rounds that followed one another had the same weather: medians are of their ratios, not the ratio of medians.
 * @param {number[]} rounds
 * @param {(number | undefined)[]} [peers]
 * @param {Measure['fold']} [fold]
 */
function ratio(rounds, peers, fold) {
  const known = peers?.filter(peer => peer !== undefined)
  if (known?.length !== rounds.length) return undefined
  const times = fold === 'max' ? folded(rounds, fold) / folded(known, fold) : median(rounds.map((v, i) => v / known[i]))
  return Number.isFinite(times) ? times : undefined
}

/**
 * @param {number[]} rounds
 * @param {Measure['fold']} [fold]
 */
function folded(rounds, fold) {
  return fold === 'max' ? Math.max(...rounds) : median(rounds)
}

/**
 * @param {Measure} measure
 * @param {Value[]} values
 */
function bar({ name, unit, bar }, values) {
  const own = values.find(({ measure, contender }) => measure === name && contender === 'offloop')
  const reached = bar?.of === 'ratio' ? own?.ratio : own?.value
  if (bar === undefined || reached === undefined) return []
  const { of, atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = bar
  const sign = bar.atMost === undefined ? '≥' : '≤'
  const text = `${sign} ${bar.atLeast ?? bar.atMost} ${of === 'ratio' ? '×' : unit}`.trimEnd()
  return [{ measure: name, text, reached, met: reached >= atLeast && reached <= atMost }]
}

module.exports = { summary }
