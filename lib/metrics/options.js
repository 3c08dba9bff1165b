'use strict'

const { checkOptions, invalidType, invalidValue } = require('../internal/validate')
const { SUBJECTS, Target } = require('./target')

/** @typedef {import('./definitions').Subject} Subject */

/** @type {readonly [option: string, subject: Subject][]} */
const OPTIONS = [
  ['pools', 'pool'],
  ['caches', 'cache'],
  ['streams', 'stream'],
  ['loops', 'loop']
]

/**
 * Returns the targets in the options of an exporter.
 * @param {any} options
 * @param {readonly string[]} known further options of the exporter
 * @param {(options: any) => Record<string, any>} readLabels
 */
function readTargets(options, known, readLabels) {
  checkOptions(options, [...OPTIONS.map(([option]) => option), ...known])
  const given = /** @type {Record<string, any>} */ (options)
  if (OPTIONS.every(([option]) => given[option] === undefined)) {
    throw invalidValue("One of 'options.pools', 'options.caches', 'options.streams' and 'options.loops' is required")
  }
  const labels = readLabels(options)
  return OPTIONS.flatMap(([option, subject]) =>
    byName(option, subject, given[option]).map(([name, target]) => new Target(subject, name, target, labels))
  )
}

/**
 * Returns the pools, caches, streams or watches of an option with their names.
 * @param {string} option
 * @param {Subject} subject
 * @param {any} value
 * @returns {[string, any][]}
 */
function byName(option, subject, value = {}) {
  const { isTarget, expected } = SUBJECTS[subject]
  const isList = subject === 'pool' && Array.isArray(value)
  if (!isList && !isPlain(value)) {
    const list = subject === 'pool' ? 'an array of named pools or ' : ''
    throw invalidType(`The "options.${option}" property`, `${list}an object with a ${subject} for each name`, value)
  }
  return Object.entries(value).map(([name, target]) => {
    const path = isList ? `options.${option}[${name}]` : `options.${option}.${name}`
    if (!isTarget(target)) {
      throw invalidType(`The "${path}" property`, `${expected}`, target)
    }
    // An empty label counts as a missing one.
    if (name === '') throw invalidValue(`The names in "options.${option}" must be non-empty strings. Received ''`)
    return [isList ? nameOf(target, path) : name, target]
  })
}

/** @param {any} value */
function isPlain(value) {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * @param {any} pool
 * @param {string} path
 */
function nameOf(pool, path) {
  if (pool.name !== undefined) return pool.name
  throw invalidValue(`The pool at ${path} has no name. Pass it with a name, as in { pools: { name: pool } }`)
}

module.exports = { readTargets }
