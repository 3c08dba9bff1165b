'use strict'

const { median } = require('./statistics.js')

/**
 * @typedef {import('./case.js').Row} Row
 * @typedef {import('./case.js').Measure} Measure
 * @typedef {import('./case.js').Measured} Measured
 * @typedef {import('./case.js').Sample} Sample
 *
 * @typedef {object} Value
 * @property {string} measure
 * @property {string} unit
 * @property {string} contender
 * @property {number} value
 * @property {number | undefined} [ratio] to the reference
 * @property {number[]} rounds
 *
 * @typedef {object} Verdict
 * @property {string} measure
 * @property {string} contender
 * @property {'value' | 'ratio'} of
 * @property {number} limit
 * @property {string} text
 * @property {number | undefined} reached not known where something failed
 * @property {boolean} met
 *
 * @typedef {object} Summary
 * @property {string} group
 * @property {string} name
 * @property {string} what
 * @property {number} threads
 * @property {string | undefined} reference
 * @property {number} rounds
 * @property {Value[]} values
 * @property {Verdict[]} bars
 * @property {{ contender: string, why: string }[]} failures
 * @property {number} [seconds] that all of it took
 */

/**
 * What the rounds of a row come to.
 * @param {string} group
 * @param {Row} row
 * @param {Measured} measured
 * @returns {Summary}
 */
function summary(group, row, { threads, contenders }) {
  const done = contenders.filter(({ failure }) => failure === undefined)
  const failures = contenders.flatMap(({ name, failure }) => (failure ? [{ contender: name, why: failure }] : []))
  const reference = done.find(({ name }) => name === row.reference)?.rounds
  const values = row.measures.flatMap(measure => {
    return done.flatMap(({ name, rounds }) => value(measure, name, rounds, reference))
  })
  const failed = failures.map(({ contender }) => contender)
  const bars = row.measures.flatMap(measure => barsOf(measure, values, row.reference, failed))
  const { name, what } = row
  const rounds = done[0]?.rounds.length ?? 0
  return { group, name, what, threads, reference: row.reference, rounds, values, bars, failures }
}

/**
 * A row of which nothing is known but its bars.
 * @param {string} group
 * @param {Row} row
 * @param {string} why
 * @returns {Summary}
 */
function failedRow(group, row, why) {
  const { name, what, reference, measures } = row
  const bars = measures.flatMap(measure =>
    contendersOf(measure).map(contender => verdict(measure, contender, undefined))
  )
  const failures = [{ contender: 'all of it', why }]
  return { group, name, what, threads: 0, reference, rounds: 0, values: [], bars, failures }
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
 * @param {string | undefined} reference
 * @param {string[]} failed contenders
 * @returns {Verdict[]} none for what could not be measured here, such as threads where the system does not list them
 */
function barsOf(measure, values, reference, failed) {
  return contendersOf(measure).flatMap(contender => {
    const own = values.find(value => value.measure === measure.name && value.contender === contender)
    const reached = measure.bar?.of === 'ratio' ? own?.ratio : own?.value
    const hasFailed = failed.includes(contender) || (measure.bar?.of === 'ratio' && failed.includes(reference ?? ''))
    return reached === undefined && !hasFailed ? [] : [verdict(measure, contender, reached)]
  })
}

/** @param {Measure} measure */
function contendersOf({ bar }) {
  return bar === undefined ? [] : (bar.contenders ?? ['offloop'])
}

/**
 * @param {Measure} measure
 * @param {string} contender
 * @param {number | undefined} reached
 * @returns {Verdict}
 */
function verdict({ name, unit, bar }, contender, reached) {
  const { of, atLeast, atMost } = /** @type {import('./case.js').Bar} */ (bar)
  const limit = atLeast ?? atMost ?? 0
  const text =
    `${atMost === undefined ? '≥' : '≤'} ${limit.toLocaleString('en')} ${of === 'ratio' ? '×' : unit}`.trimEnd()
  const met = reached !== undefined && (atMost === undefined ? reached >= limit : reached <= limit)
  return { measure: name, contender, of, limit, text, reached, met }
}

module.exports = { failedRow, summary }
