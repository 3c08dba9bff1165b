'use strict'

const { inspect } = require('node:util')
const { OffloopError, withCode } = require('../internal/errors')
const { isDetached } = require('../internal/detached')
const { checkOptions, invalidType, detachedError, formatValue } = require('../internal/validate')
const { resolveCodec } = require('./codec')

/** @typedef {import('../../index').Id} Id */

/** The longest time that Node's own timers take. */
const MAX_TIMER = 2 ** 31 - 1
const OPTIONS = [
  'max',
  'maxBytes',
  'weigh',
  'ttl',
  'jitter',
  'refreshAfter',
  'staleWhileRevalidate',
  'staleIfError',
  'errorTtl',
  'loadTimeout',
  'load',
  'storage',
  'codec',
  'name',
  'onEvict'
]

/**
 * @param {string} name
 * @param {unknown} value
 */
function checkFunction(name, value) {
  if (value !== undefined && typeof value !== 'function') throw invalidType(name, 'of type function', value)
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} [most]
 * @param {number} [least]
 */
function checkTime(name, value, most = Number.MAX_SAFE_INTEGER, least = 0) {
  if (value === undefined) return
  if (typeof value !== 'number') throw invalidType(name, 'of type number', value)
  if (value >= least && value <= most) return
  const message = `The value of ${name} is out of range. It must be >= ${least} && <= ${most}. Received ${inspect(value)}`
  throw withCode(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/**
 * Checks what native code does not.
 * @param {import('../../index').CacheOptions<any, any>} options
 */
function readOptions(options) {
  checkOptions(options, OPTIONS)
  const { load, weigh, onEvict, codec, storage, name, errorTtl, loadTimeout, ...rest } = options
  checkFunction('The "options.load" property', load)
  checkFunction('The "options.weigh" property', weigh)
  checkFunction('The "options.onEvict" property', onEvict)
  checkTime('"options.errorTtl"', errorTtl)
  checkTime('"options.loadTimeout"', loadTimeout, MAX_TIMER, 1)
  if (storage !== undefined && storage !== 'heap' && storage !== 'native') {
    const message = `The "options.storage" property must be one of 'heap', 'native'. Received ${formatValue(storage)}`
    throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
  }
  const isHeap = storage !== 'native' && !(storage === undefined && name !== undefined)
  if (isHeap && name !== undefined) {
    const message =
      "A named cache is shared by threads, and needs options.storage 'native': objects belong to one thread"
    throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
  }
  if (name === '') {
    throw withCode(new TypeError('The "options.name" property must not be empty'), 'ERR_INVALID_ARG_VALUE')
  }
  if (isHeap && codec !== undefined) {
    throw withCode(new TypeError("options.codec is for options.storage 'native' alone"), 'ERR_INVALID_ARG_VALUE')
  }
  checkWeighOption(isHeap, rest.maxBytes, weigh)
  return {
    isHeap,
    load,
    weigh,
    onEvict,
    name,
    codec: resolveCodec(codec),
    loadTimeout,
    native: {
      ...rest,
      name,
      storage: isHeap ? 'heap' : 'native',
      codec: typeof codec === 'object' ? 'custom' : (codec ?? 'v8'),
      errorTtl,
      loadTimeout,
      evictions: isHeap ? 'slots' : onEvict ? 'entries' : 'none'
    }
  }
}

/**
 * @param {boolean} isHeap
 * @param {unknown} maxBytes
 * @param {unknown} weigh
 */
function checkWeighOption(isHeap, maxBytes, weigh) {
  if (!isHeap || maxBytes === undefined || weigh !== undefined) return
  const message = 'options.maxBytes needs options.weigh, since nobody else knows what an object in the heap weighs'
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/**
 * The loader of a call.
 * @param {unknown} load
 */
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
 * Throws if a value, or its encoded form, is lost memory.
 * @param {Id} id
 * @param {unknown} value
 */
function checkStorable(id, value) {
  if (isDetached(value)) throw detachedError(`The value of ${inspect(id)}`, value)
}

/**
 * What an entry weighs by the option's word.
 * @param {unknown} weight
 * @param {Id} id
 */
function checkWeight(weight, id) {
  if (typeof weight === 'number' && weight >= 0 && weight <= Number.MAX_SAFE_INTEGER) return Math.ceil(weight)
  const message = `What options.weigh returns for ${inspect(id)} must be a number >= 0. Received ${formatValue(weight)}`
  throw withCode(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

function closedError() {
  return new OffloopError('ERR_OFFLOOP_CLOSED', 'The cache is closed')
}

module.exports = {
  checkFunction,
  checkId,
  checkStorable,
  checkLoad,
  checkTime,
  checkWeighOption,
  checkWeight,
  closedError,
  readOptions
}
