'use strict'

const { isDetached } = require('../internal/detached')
const { checkInteger, checkMemory, checkOptions, invalidType, outOfRange } = require('../internal/validate')

/**
 * @typedef {object} WorkerOptions
 * @property {number} idleTimeout
 * @property {number} gracePeriod
 * @property {number} maxTasks
 * @property {number} maxHeap
 * @property {import('node:worker_threads').ResourceLimits} [resourceLimits]
 * @property {any} [env]
 * @property {string[]} [execArgv]
 * @property {string[]} [argv]
 */

const OPTIONS = ['idleTimeout', 'gracePeriod', 'maxTasks', 'maxHeap', 'resourceLimits', 'env', 'execArgv', 'argv']
/** Limits of Node's workers. */
const LIMITS = ['maxYoungGenerationSizeMb', 'maxOldGenerationSizeMb', 'codeRangeSizeMb', 'stackSizeMb']
/** Maximum delay of Node's timers in milliseconds. */
const MAX_TIME = 2 ** 31 - 1
const DEFAULTS = { idleTimeout: 10_000, gracePeriod: 250, maxTasks: Infinity, maxHeap: Infinity }

/** Checks `workers.resourceLimits`: Node.js ignores a limit that is not a number. @param {any} limits */
function checkLimits(limits) {
  const path = 'options.workers.resourceLimits'
  checkOptions(limits, LIMITS, path)
  for (const name of LIMITS) {
    const limit = limits[name]
    if (limit === undefined) continue
    if (typeof limit !== 'number') throw invalidType(`The "${path}.${name}" property`, 'of type number', limit)
    if (!(limit > 0 && limit < Infinity)) throw outOfRange(`"${path}.${name}"`, 'a finite number > 0', limit)
  }
}

/**
 * Checks and completes `workers` in a pool's options.
 * @param {unknown} options
 * @returns {WorkerOptions}
 */
function readWorkerOptions(options) {
  if (options === undefined) return DEFAULTS
  if (options === null || typeof options !== 'object') {
    throw invalidType('The "options.workers" property', 'of type object', options)
  }
  checkOptions(options, OPTIONS, 'options.workers')
  const given = /** @type {Record<string, any>} */ (options)
  const { idleTimeout, gracePeriod, maxTasks, maxHeap, execArgv, argv, resourceLimits, env } = given
  for (const [name, time] of Object.entries({ idleTimeout, gracePeriod })) {
    const isNever = name === 'idleTimeout' && time === Infinity
    if (time !== undefined && !isNever) checkInteger(`options.workers.${name}`, time, 0, MAX_TIME)
  }
  for (const [name, count] of Object.entries({ maxTasks, maxHeap })) {
    if (count !== undefined && count !== Infinity) {
      checkInteger(`options.workers.${name}`, count, 1, Number.MAX_SAFE_INTEGER)
    }
  }
  for (const [name, list] of Object.entries({ execArgv, argv })) {
    if (list !== undefined && !Array.isArray(list)) {
      throw invalidType(`The "options.workers.${name}" property`, 'an instance of Array', list)
    }
    for (const [index, word] of (list ?? []).entries())
      checkMemory(`The "options.workers.${name}[${index}]" property`, word)
  }
  for (const [name, object] of Object.entries({ resourceLimits, env })) {
    const types = ['undefined', 'object', name === 'env' ? 'symbol' : 'object']
    if (object === null || isDetached(object) || !types.includes(typeof object)) {
      throw invalidType(`The "options.workers.${name}" property`, 'of type object', object)
    }
  }
  if (resourceLimits !== undefined) checkLimits(resourceLimits)
  const defined = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...DEFAULTS, ...Object.fromEntries(defined) }
}

module.exports = { readWorkerOptions }
