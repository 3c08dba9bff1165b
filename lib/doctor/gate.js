'use strict'

// Parses and checks the conditions of `--fail`, and chooses the exit code.

/**
 * @typedef {import('../../doctor').Report} Report
 * @typedef {import('../../doctor').Confidence} Confidence
 * @typedef {import('../../doctor').Condition} Condition
 *
 * @typedef {{ kind: 'confidence', least: Confidence | 'none' }
 *   | { kind: 'figure', text: string, figure: string, scope: 'own' | 'wall', isAbove: boolean, limit: number }} Failure
 */

/** Confidences, weakest first. */
const CONFIDENCES = /** @type {const} */ (['possible', 'likely', 'certain'])
/** Factors by unit: durations become milliseconds, percentages shares from 0 to 1, and sizes bytes. */
const UNITS = /** @type {Record<string, number>} */ ({
  '': 1,
  ms: 1,
  s: 1000,
  '%': 0.01,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  'MB/s': 1e6,
  'KB/s': 1e3
})

/** @type {Record<string, (report: Report, scope: 'own' | 'wall') => number>} */
const FIGURES = {
  'block.p99': ({ loop }, scope) => loop.blocks[scope].p99,
  'block.max': ({ loop }, scope) => loop.blocks[scope].max,
  'block.total': ({ loop }, scope) => loop.blocks[scope].total,
  'loop.p50': ({ loop }) => loop.hold.p50,
  'loop.p99': ({ loop }) => loop.hold.p99,
  'loop.utilization': ({ loop }) => loop.utilization,
  'gc.share': ({ gc }) => gc.share,
  'gc.max': ({ gc }) => gc.longest,
  'heap.growth': ({ heap }) => heap.growth,
  'request.p99': ({ request }) => request.p99,
  'request.errors': ({ request }) => request.errors,
  findings: ({ findings }) => findings.length
}

/**
 * Returns the condition, or the reason why the text is not one.
 * @param {string} text
 * @returns {Failure | string}
 */
function parseCondition(text) {
  if (text === 'none' || CONFIDENCES.some(it => it === text)) {
    return { kind: 'confidence', least: /** @type {Confidence | 'none'} */ (text) }
  }
  const match = /^(?:(own|wall)\.)?([a-z.\d]+)\s*(>=?|<=?)\s*([\d.]+)\s*(%|[a-zA-Z/]*)$/.exec(text.trim())
  if (match === null)
    return `"${text}" is not a condition: use certain, likely, possible, none, or a figure such as block.p99>50ms`
  const [, scope = 'own', figure, sign, value, unit] = match
  if (!Object.hasOwn(FIGURES, figure)) return `"${figure}" is not one of ${Object.keys(FIGURES).join(', ')}`
  if (!Object.hasOwn(UNITS, unit)) return `"${unit}" is not one of ${Object.keys(UNITS).filter(Boolean).join(', ')}`
  const limit = Number(value) * UNITS[unit]
  if (Number.isNaN(limit)) return `"${value}" is not a number`
  return {
    kind: 'figure',
    text,
    figure,
    scope: /** @type {'own' | 'wall'} */ (scope),
    isAbove: sign.startsWith('>'),
    limit
  }
}

/**
 * Returns the conditions with their values, and whether they are met.
 * @param {Report} report
 * @param {Failure[]} failures
 * @returns {Condition[]}
 */
function outcomes(report, failures) {
  return failures.map(failure =>
    failure.kind === 'confidence' ? ofConfidence(report, failure) : ofFigure(report, failure)
  )
}

/**
 * @param {Report} report
 * @param {Extract<Failure, { kind: 'confidence' }>} failure
 */
function ofConfidence({ findings }, { least }) {
  const rank = (/** @type {Confidence} */ confidence) => CONFIDENCES.indexOf(confidence)
  const count = least === 'none' ? 0 : findings.filter(({ confidence }) => rank(confidence) >= rank(least)).length
  return { condition: least, value: count, failed: count > 0 }
}

/**
 * @param {Report} report
 * @param {Extract<Failure, { kind: 'figure' }>} failure
 */
function ofFigure(report, { text, figure, scope, isAbove, limit }) {
  const value = FIGURES[figure](report, scope)
  const isStrict = !text.includes('=')
  const failed = isAbove ? (isStrict ? value > limit : value >= limit) : isStrict ? value < limit : value <= limit
  return { condition: text, value, failed }
}

/**
 * Returns the exit code of a judged run.
 * @param {Report} report
 */
function exitCode({ verdict, conditions }) {
  if (conditions.some(({ failed }) => failed)) return 1
  return verdict === 'inconclusive' ? 3 : 0
}

module.exports = { exitCode, outcomes, parseCondition }
