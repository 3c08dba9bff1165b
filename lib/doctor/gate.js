'use strict'

// Parses and checks the conditions of `--fail`, and chooses the exit code.

const { number } = require('./judge/sites')

/**
 * @typedef {import('../../doctor').Report} Report
 * @typedef {import('../../doctor').Confidence} Confidence
 * @typedef {import('../../doctor').Condition} Condition
 *
 * @typedef {{ kind: 'confidence', least: Confidence | 'none' }
 *   | { kind: 'figure', text: string, figure: string, scope: 'own' | 'wall', isAbove: boolean, limit: number, unit: string }} Failure
 */

/** Confidences, weakest first. */
const CONFIDENCES = /** @type {const} */ (['possible', 'likely', 'certain'])
/** Units by kind of figure, with their factors. A value without a unit has the unit of the report. */
const UNITS = /** @type {const} */ ({
  duration: { ms: 1, s: 1000 },
  share: { '%': 0.01 },
  rate: { 'B/s': 1, 'KB/s': 1e3, 'MB/s': 1e6 },
  count: {}
})

/**
 * @typedef {keyof typeof UNITS} Kind
 * @typedef {{ kind: Kind, hasScopes?: boolean, of: (report: Report, scope: 'own' | 'wall') => number }} Figure
 */

/** @type {Record<string, Figure>} */
const FIGURES = {
  'block.p99': { kind: 'duration', hasScopes: true, of: ({ loop }, scope) => loop.blocks[scope].p99 },
  'block.max': { kind: 'duration', hasScopes: true, of: ({ loop }, scope) => loop.blocks[scope].max },
  'block.total': { kind: 'duration', hasScopes: true, of: ({ loop }, scope) => loop.blocks[scope].total },
  'loop.p50': { kind: 'duration', of: ({ loop }) => loop.hold.p50 },
  'loop.p99': { kind: 'duration', of: ({ loop }) => loop.hold.p99 },
  'loop.utilization': { kind: 'share', of: ({ loop }) => loop.utilization },
  'gc.share': { kind: 'share', of: ({ gc }) => gc.share },
  'gc.max': { kind: 'duration', of: ({ gc }) => gc.longest },
  'heap.growth': { kind: 'rate', of: ({ heap }) => heap.growth },
  'request.p99': { kind: 'duration', of: ({ request }) => request.p99 },
  'request.errors': { kind: 'count', of: ({ request }) => request.errors },
  findings: { kind: 'count', of: ({ findings }) => findings.length }
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
  const [, scope, figure, sign, value, unit] = match
  if (!Object.hasOwn(FIGURES, figure)) return `"${figure}" is not one of ${Object.keys(FIGURES).join(', ')}`
  const { kind, hasScopes } = FIGURES[figure]
  if (scope !== undefined && !hasScopes) return `"${text}": only figures of blocks can begin with ${scope}.`
  const limit = limitOf(value, unit, kind)
  if (typeof limit === 'string') return `"${text}": ${limit}`
  return {
    kind: 'figure',
    text,
    figure,
    scope: scope === 'wall' ? 'wall' : 'own',
    isAbove: sign.startsWith('>'),
    limit,
    unit
  }
}

/**
 * Returns the value of a condition, or the reason why it is not one.
 * @param {string} value
 * @param {string} unit
 * @param {Kind} kind of figure
 */
function limitOf(value, unit, kind) {
  /** @type {Record<string, number>} */
  const units = UNITS[kind]
  if (unit !== '' && !Object.hasOwn(units, unit)) {
    return kind === 'count'
      ? `a number without a unit is expected, not "${value}${unit}"`
      : `the units are ${Object.keys(units).join(', ')}, not "${unit}"`
  }
  const limit = Number(value) * (units[unit] ?? 1)
  if (Number.isNaN(limit)) return `"${value}" is not a number`
  if (kind === 'share' && limit > 1) return `a share is at most 1, which is 100 %, not ${value}${unit}`
  return limit
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
  const value = FIGURES[figure].of(report, scope)
  const isStrict = !text.includes('=')
  const failed = isAbove ? (isStrict ? value > limit : value >= limit) : isStrict ? value < limit : value <= limit
  return { condition: text, value, failed }
}

/**
 * Formats the value of a condition in the unit of the condition. Rounds it, but not to the limit.
 * @param {Condition} condition
 */
function valueText({ condition, value }) {
  const failure = parseCondition(condition)
  if (typeof value === 'string' || typeof failure === 'string' || failure.kind === 'confidence') return String(value)
  const { figure, limit, unit } = failure
  /** @type {Record<string, number>} */
  const units = UNITS[FIGURES[figure].kind]
  const name = unit === '' ? (Object.keys(units).find(it => units[it] === 1) ?? '') : unit
  const factor = units[name] ?? 1
  const rounded = number(value / factor)
  const isLimit = Number(rounded.replaceAll(',', '')) === limit / factor && value !== limit
  return `${isLimit ? value / factor : rounded} ${name}`.trimEnd()
}

/**
 * Returns the exit code of a judged run.
 * @param {Report} report
 */
function exitCode({ verdict, conditions }) {
  if (conditions.some(({ failed }) => failed)) return 1
  return verdict === 'inconclusive' ? 3 : 0
}

module.exports = { exitCode, outcomes, parseCondition, valueText }
