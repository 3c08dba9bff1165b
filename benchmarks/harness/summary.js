'use strict'

const { median } = require('./statistics.js')

/**
 * @typedef {import('./case.js').Case} Case
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
 * @property {number | undefined} reached undefined after a failure
 * @property {boolean} met
 *
 * @typedef {object} Summary
 * @property {string} suite
 * @property {string} name
 * @property {string} what
 * @property {number} threads
 * @property {string | undefined} reference
 * @property {number} rounds
 * @property {Value[]} values
 * @property {Verdict[]} targets
 * @property {{ contender: string, why: string }[]} failures
 * @property {number} [seconds] total duration
 * @property {ReturnType<typeof import('./machine.js').machine>} [origin] the run of a merged case
 */

/**
 * Combines the rounds of a case into values and verdicts.
 * @param {string} suite
 * @param {Case} benchmark
 * @param {Measured} measured
 * @returns {Summary}
 */
function summary(suite, benchmark, { threads, contenders }) {
  const done = contenders.filter(({ failure }) => failure === undefined)
  const failures = contenders.flatMap(({ name, failure }) => (failure ? [{ contender: name, why: failure }] : []))
  const reference = done.find(({ name }) => name === benchmark.reference)?.rounds
  const values = benchmark.measures.flatMap(measure => {
    return done.flatMap(({ name, rounds }) => value(measure, name, rounds, reference))
  })
  const failed = failures.map(({ contender }) => contender)
  const targets = benchmark.measures.flatMap(measure => targetsOf(measure, values, benchmark.reference, failed))
  const { name, what } = benchmark
  const rounds = done[0]?.rounds.length ?? 0
  return { suite, name, what, threads, reference: benchmark.reference, rounds, values, targets, failures }
}

/**
 * Returns the summary of a failed case, with all targets missed.
 * @param {string} suite
 * @param {Case} benchmark
 * @param {string} why
 * @returns {Summary}
 */
function failedCase(suite, benchmark, why) {
  const { name, what, reference, measures } = benchmark
  const targets = measures.flatMap(measure =>
    contendersOf(measure).map(contender => verdict(measure, contender, undefined))
  )
  const failures = [{ contender: 'all of it', why }]
  return { suite, name, what, threads: 0, reference, rounds: 0, values: [], targets, failures }
}

/**
 * @param {Measure} measure
 * @param {string} contender
 * @param {Sample[]} samples
 * @param {Sample[]} [reference] the same rounds of the reference
 * @returns {Value[]} empty if the contender does not have this measure
 */
function value({ name, unit, fold }, contender, samples, reference) {
  if (samples[0][name] === undefined) return []
  const rounds = samples.map(sample => sample[name])
  const references = reference?.map(sample => sample[name])
  return [
    { measure: name, unit, contender, value: combined(rounds, fold), ratio: ratio(rounds, references, fold), rounds }
  ]
}

/**
 * Returns the median of the ratios within rounds, not the ratio of the medians: adjacent rounds ran under the same load.
 * @param {number[]} rounds
 * @param {(number | undefined)[]} [references]
 * @param {Measure['fold']} [fold]
 */
function ratio(rounds, references, fold) {
  const known = references?.filter(other => other !== undefined)
  if (known?.length !== rounds.length) return undefined
  const times =
    fold === 'max' ? combined(rounds, fold) / combined(known, fold) : median(rounds.map((v, i) => v / known[i]))
  return Number.isFinite(times) ? times : undefined
}

/**
 * @param {number[]} rounds
 * @param {Measure['fold']} [fold]
 */
function combined(rounds, fold) {
  return fold === 'max' ? Math.max(...rounds) : median(rounds)
}

/**
 * @param {Measure} measure
 * @param {Value[]} values
 * @param {string | undefined} reference
 * @param {string[]} failed contenders
 * @returns {Verdict[]} empty for measures that this system does not support, such as the number of threads
 */
function targetsOf(measure, values, reference, failed) {
  return contendersOf(measure).flatMap(contender => {
    const own = values.find(value => value.measure === measure.name && value.contender === contender)
    const reached = measure.target?.of === 'ratio' ? own?.ratio : own?.value
    const hasFailed = failed.includes(contender) || (measure.target?.of === 'ratio' && failed.includes(reference ?? ''))
    return reached === undefined && !hasFailed ? [] : [verdict(measure, contender, reached)]
  })
}

/** @param {Measure} measure */
function contendersOf({ target }) {
  return target === undefined ? [] : (target.contenders ?? ['offloop'])
}

/**
 * @param {Measure} measure
 * @param {string} contender
 * @param {number | undefined} reached
 * @returns {Verdict}
 */
function verdict({ name, unit, target }, contender, reached) {
  const { of, atLeast, atMost } = /** @type {import('./case.js').Target} */ (target)
  const limit = atLeast ?? atMost ?? 0
  const text =
    `${atMost === undefined ? '≥' : '≤'} ${limit.toLocaleString('en')} ${of === 'ratio' ? '×' : unit}`.trimEnd()
  const met = reached !== undefined && (atMost === undefined ? reached >= limit : reached <= limit)
  return { measure: name, contender, of, limit, text, reached, met }
}

module.exports = { failedCase, summary }
