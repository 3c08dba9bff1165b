'use strict'

const { withCode } = require('../internal/errors')
const { stateOf } = require('../pool')
const { checkOptions, invalidType } = require('../internal/validate')
const { SUBJECTS, Target } = require('./target')

/** @typedef {import('./definitions').Subject} Subject */

/** @type {readonly [option: string, subject: Subject][]} */
const OPTIONS = [
  ['pools', 'pool'],
  ['caches', 'cache'],
  ['sinks', 'sink']
]

/**
 * What the options ask to measure.
 * @param {any} options
 * @param {readonly string[]} known options that are not about what is measured
 * @param {(options: any) => Record<string, any>} readLabels
 */
function readTargets(options, known, readLabels) {
  checkOptions(options, [...OPTIONS.map(([option]) => option), ...known])
  const given = /** @type {Record<string, any>} */ (options)
  if (OPTIONS.every(([option]) => given[option] === undefined)) {
    const message =
      "One of 'options.pools', 'options.caches' and 'options.sinks' is needed: there is nothing to measure"
    throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
  }
  const labels = readLabels(options)
  return OPTIONS.flatMap(([option, subject]) =>
    byName(option, subject, given[option]).map(([name, target]) => new Target(subject, name, target, labels))
  )
}

/**
 * What an option holds, by name.
 * @param {string} option
 * @param {Subject} subject
 * @param {any} value
 * @returns {[string, any][]}
 */
function byName(option, subject, value = {}) {
  const { Class } = SUBJECTS[subject]
  const isList = subject === 'pool' && Array.isArray(value)
  if (!isList && !isPlain(value)) {
    const list = subject === 'pool' ? 'an array of named pools or ' : ''
    throw invalidType(`The "options.${option}" property`, `${list}an object with a ${subject} for each name`, value)
  }
  return Object.entries(value).map(([name, target]) => {
    const where = isList ? `options.${option}[${name}]` : `options.${option}.${name}`
    if (!(target instanceof Class)) throw invalidType(`The "${where}" property`, `an instance of ${Class.name}`, target)
    if (name === '') throw emptyName(`options.${option}`)
    return [isList ? nameOf(target, where) : name, target]
  })
}

/** Whether it is an object that only holds others. @param {any} value */
function isPlain(value) {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A label without a value is no label. @param {string} where */
function emptyName(where) {
  const message = `The names in "${where}" must be non-empty strings. Received ''`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/**
 * @param {any} pool
 * @param {string} where
 */
function nameOf(pool, where) {
  if (stateOf(pool).isNamed) return pool.name
  const message = `The pool at ${where} was made without a name. Say what to call it: { pools: { name: pool } }`
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

module.exports = { readTargets }
