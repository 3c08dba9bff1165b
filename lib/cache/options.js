'use strict'

const { inspect } = require('node:util')
const { OffloopError, withCode } = require('../internal/errors')
const { isDetached } = require('../internal/detached')
const {
  checkInteger,
  checkOptions,
  detachedError,
  formatValue,
  invalidType,
  invalidValue,
  outOfRange
} = require('../internal/validate')
const { resolveCodec } = require('./codec')

/** @typedef {import('../../index').CacheId} Id */

const { MAX_SAFE_INTEGER } = Number
/** Longest delay of Node's timers, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1
/** Bounds of the options that are integers. */
const INTEGERS = {
  max: [1, 2 ** 31 - 1],
  maxBytes: [1, MAX_SAFE_INTEGER],
  ttl: [0, MAX_SAFE_INTEGER],
  refreshAfter: [0, MAX_SAFE_INTEGER],
  staleWhileRevalidate: [0, MAX_SAFE_INTEGER],
  staleIfError: [0, MAX_SAFE_INTEGER],
  errorTtl: [0, MAX_SAFE_INTEGER]
}
const FUNCTIONS = ['weigh', 'load', 'onEvict']
const OPTIONS = [...Object.keys(INTEGERS), 'jitter', 'loadTimeout', ...FUNCTIONS, 'storage', 'codec', 'name']

/**
 * @param {string} name
 * @param {unknown} value
 */
function checkFunction(name, value) {
  if (value !== undefined && typeof value !== 'function') throw invalidType(name, 'of type function', value)
}

/**
 * @param {string} path as in 'options.jitter'
 * @param {unknown} value
 * @param {number} [min]
 * @param {number} [max]
 */
function checkNumber(path, value, min = 0, max = MAX_SAFE_INTEGER) {
  if (value === undefined) return
  if (typeof value !== 'number') throw invalidType(`The "${path}" property`, 'of type number', value)
  if (!(value >= min && value <= max)) throw outOfRange(`"${path}"`, `a number >= ${min} && <= ${max}`, value)
}

/** @param {import('../../index').CacheOptions<any, any>} options */
function readOptions(options) {
  checkOptions(options, OPTIONS)
  const { load, weigh, onEvict, codec, storage, name, jitter, loadTimeout, ...integers } = options
  for (const [option, value] of Object.entries({ weigh, load, onEvict })) {
    checkFunction(`The "options.${option}" property`, value)
  }
  checkNumber('options.jitter', jitter, 0, 1)
  checkNumber('options.loadTimeout', loadTimeout, 1, MAX_TIMER)
  if (storage !== undefined && storage !== 'heap' && storage !== 'native') {
    throw invalidValue(
      `The "options.storage" property must be one of 'heap', 'native'. Received ${formatValue(storage)}`
    )
  }
  if (name !== undefined && typeof name !== 'string') {
    throw invalidType('The "options.name" property', 'of type string', name)
  }
  const isHeap = storage === 'heap' || (storage === undefined && name === undefined)
  if (isHeap && name !== undefined) {
    throw invalidValue("A named cache requires options.storage 'native': threads cannot share the objects of a heap")
  }
  if (name === '') throw invalidValue('The "options.name" property must not be empty')
  if (isHeap && codec !== undefined) throw invalidValue("options.codec requires options.storage 'native'")
  checkLimits(integers, isHeap, weigh)
  const compared = {
    ...integers,
    jitter,
    loadTimeout,
    storage: isHeap ? 'heap' : 'native',
    codec: typeof codec === 'object' ? 'custom' : (codec ?? 'v8')
  }
  const settings = Object.entries(compared).filter(([, value]) => value !== undefined)
  return {
    isHeap,
    load,
    weigh,
    onEvict,
    name,
    codec: resolveCodec(codec),
    loadTimeout,
    native: {
      ...integers,
      jitter,
      name,
      settings: Object.fromEntries(settings.map(([option, value]) => [option, `${value}`])),
      isHeap,
      reportsEvictions: onEvict !== undefined
    }
  }
}

/**
 * Checks the limits of a cache, and the other options that are integers.
 * @param {{ max?: number | undefined, maxBytes?: number | undefined }} integers
 * @param {boolean} isHeap
 * @param {unknown} weigh
 */
function checkLimits(integers, isHeap, weigh) {
  if (integers.max === undefined && integers.maxBytes === undefined) {
    const message = 'One of "options.max" and "options.maxBytes" is required: every cache is bounded'
    throw withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
  }
  if (isHeap && integers.maxBytes !== undefined && weigh === undefined) {
    throw invalidValue(
      "options.maxBytes requires options.weigh with options.storage 'heap': object sizes cannot be measured"
    )
  }
  for (const [option, value] of Object.entries(integers)) {
    if (value === undefined) continue
    const [min, max] = INTEGERS[/** @type {keyof typeof INTEGERS} */ (option)]
    checkInteger(`options.${option}`, value, min, max)
  }
}

/** Checks the loader of a call. @param {unknown} load */
function checkLoad(load) {
  if (typeof load === 'object' && load !== null && 'signal' in load) {
    const message =
      'The "load" argument must be of type function: options come third, as in get(id, undefined, { signal })'
    throw withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
  }
  checkFunction('The "load" argument', load)
}

/** @param {unknown} id */
function checkId(id) {
  if (typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint') return
  throw invalidType('The "id" argument', 'of type string, number or bigint', id)
}

/**
 * Throws if a value, or its encoded form, is detached memory.
 * @param {Id} id
 * @param {unknown} value
 */
function checkStorable(id, value) {
  if (isDetached(value)) throw detachedError(`The value of ${inspect(id)}`, value)
}

/**
 * Checks a weight that `options.weigh` returned.
 * @param {unknown} weight
 * @param {Id} id
 */
function checkWeight(weight, id) {
  if (typeof weight === 'number' && weight >= 0 && weight <= MAX_SAFE_INTEGER) return Math.ceil(weight)
  const message = `The weight that options.weigh returns for ${inspect(id)} must be a number >= 0. Received ${formatValue(weight)}`
  throw withCode(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

function closedError() {
  return new OffloopError('ERR_OFFLOOP_CLOSED', 'The cache is closed')
}

module.exports = {
  checkFunction,
  checkId,
  checkStorable,
  checkLimits,
  checkLoad,
  checkNumber,
  checkWeight,
  closedError,
  readOptions
}
