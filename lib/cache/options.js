'use strict'

const { OffloopError, withCode } = require('../internal/errors')
const { isDetached } = require('../internal/detached')
const {
  checkInteger,
  checkOptions,
  checkSignal,
  detachedError,
  formatValue,
  invalidType,
  invalidValue,
  outOfRange,
  pickOptions
} = require('../internal/validate')
const { resolveCodec } = require('./codec')
const { formatId } = require('./format-id')

/** @typedef {import('../../index').CacheId} Id */

const { MAX_SAFE_INTEGER } = Number
/** Longest delay of Node's timers, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1
/** Setting of a codec that is an object. */
const CUSTOM = 'custom'
/** Maximums of the limits. */
const MAX_LIMITS = { max: 2 ** 31 - 1, maxBytes: MAX_SAFE_INTEGER }
const LIMITS = /** @type {(keyof typeof MAX_LIMITS)[]} */ (Object.keys(MAX_LIMITS))
/** Options in milliseconds. */
const TIMES = /** @type {const} */ (['ttl', 'refreshAfter', 'staleWhileRevalidate', 'staleIfError', 'errorTtl'])
/** Options with a fixed set of strings as values; the first one is the default. */
const CHOICES = { storage: ['heap', 'native'], policy: ['lru', 's3-fifo'] }
const FUNCTIONS = ['weigh', 'load', 'onEvict']
/** Defaults of the options that caches of one name share, as they appear in error messages. */
const DEFAULTS = {
  max: 'undefined',
  maxBytes: 'undefined',
  ttl: 'undefined',
  jitter: '0',
  refreshAfter: 'undefined',
  staleWhileRevalidate: '0',
  staleIfError: '0',
  errorTtl: '0',
  loadTimeout: 'undefined',
  policy: 'lru',
  codec: 'v8'
}
const CALL_OPTIONS = { load: ['load', 'signal'], loadMany: ['loadMany', 'signal'] }
const OPTIONS = [...LIMITS, ...TIMES, 'jitter', 'loadTimeout', ...FUNCTIONS, ...Object.keys(CHOICES), 'codec', 'name']

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

/** @type {(option: keyof typeof CHOICES, value: unknown) => void} */
function checkChoice(option, value) {
  const choices = CHOICES[option]
  if (value === undefined || choices.includes(/** @type {string} */ (value))) return
  const list = choices.map(choice => `'${choice}'`).join(', ')
  throw invalidValue(`The "options.${option}" property must be one of ${list}. Received ${formatValue(value)}`)
}

/** @param {import('../../index').CacheOptions<any, any>} options */
function readOptions(options) {
  checkOptions(options, OPTIONS)
  const { load, weigh, onEvict, codec, storage, policy, name, jitter, loadTimeout } = options
  const limits = pickOptions(options, LIMITS)
  const times = pickOptions(options, TIMES)
  for (const [option, value] of Object.entries({ weigh, load, onEvict })) {
    checkFunction(`The "options.${option}" property`, value)
  }
  checkNumber('options.jitter', jitter, 0, 1)
  checkNumber('options.loadTimeout', loadTimeout, 1, MAX_TIMER)
  checkChoice('storage', storage)
  checkChoice('policy', policy)
  if (name !== undefined && typeof name !== 'string') {
    throw invalidType('The "options.name" property', 'of type string', name)
  }
  const isHeap = storage === 'heap' || (storage === undefined && name === undefined)
  if (isHeap && name !== undefined) {
    throw invalidValue("A named cache requires options.storage 'native': threads cannot share the objects of a heap")
  }
  if (name === '') throw invalidValue('The "options.name" property must not be empty')
  if (isHeap && codec !== undefined) throw invalidValue("options.codec requires options.storage 'native'")
  if (name === undefined) checkBounded(limits)
  checkLimits('options', limits, isHeap, weigh)
  checkTimes(times)
  const shared = { ...limits, ...times, jitter, loadTimeout, policy, codec: typeof codec === 'object' ? CUSTOM : codec }
  const settings = Object.entries(shared).filter(([, value]) => value !== undefined)
  return {
    isHeap,
    load,
    weigh,
    onEvict,
    name,
    codec: resolveCodec(codec),
    isCodecGiven: codec !== undefined,
    loadTimeout,
    keepsPrevious: false,
    native: {
      ...limits,
      ...times,
      jitter,
      policy,
      name,
      settings: Object.fromEntries(settings.map(([option, value]) => [option, `${value}`])),
      defaults: DEFAULTS,
      reportsEvictions: onEvict !== undefined
    }
  }
}

/**
 * Returns the codec and the `loadTimeout` of a named cache, which may be those of an existing one.
 * @param {ReturnType<typeof readOptions>} options
 * @param {Record<string, string>} settings
 */
function sharedOptions({ name, codec, isCodecGiven }, settings) {
  if (settings.codec === CUSTOM && !isCodecGiven) {
    throw invalidValue(
      `A cache named '${name}' exists with codec = ${CUSTOM}. Received codec = undefined. Pass its encode and decode functions to share it`
    )
  }
  return {
    codec: isCodecGiven ? codec : resolveCodec(settings.codec),
    loadTimeout: settings.loadTimeout === DEFAULTS.loadTimeout ? undefined : Number(settings.loadTimeout)
  }
}

/** @type {(limits: { max?: number | undefined, maxBytes?: number | undefined }) => void} */
function checkBounded({ max, maxBytes }) {
  if (max === undefined && maxBytes === undefined) throw unboundedError()
}

/** Throws if no limit is given. @type {typeof checkBounded} */
function checkResize({ max, maxBytes }) {
  if (max !== undefined || maxBytes !== undefined) return
  throw withCode(new TypeError('One of "limits.max" and "limits.maxBytes" is required'), 'ERR_INVALID_ARG_TYPE')
}

/** @param {string} [name] */
function unboundedError(name) {
  const reason = name === undefined ? '' : `, and no cache named '${name}' exists`
  const message = `One of "options.max" and "options.maxBytes" is required: every cache is bounded${reason}`
  return withCode(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

/**
 * Checks the limits of a cache.
 * @param {'options' | 'limits'} path of the limits
 * @param {{ max?: number | undefined, maxBytes?: number | undefined }} limits
 * @param {boolean} isHeap
 * @param {unknown} weigh
 */
function checkLimits(path, limits, isHeap, weigh) {
  if (isHeap && limits.maxBytes !== undefined && weigh === undefined) {
    throw invalidValue(
      `${path}.maxBytes requires options.weigh with options.storage 'heap': object sizes cannot be measured`
    )
  }
  for (const limit of LIMITS) {
    const value = limits[limit]
    if (value !== undefined) checkInteger(`${path}.${limit}`, value, 1, MAX_LIMITS[limit])
  }
}

/** @param {Partial<Record<typeof TIMES[number], number | undefined>>} times */
function checkTimes(times) {
  for (const time of TIMES) checkNumber(`options.${time}`, times[time])
  const { ttl, refreshAfter } = times
  // An entry would expire first, and never be refreshed.
  if (ttl !== undefined && refreshAfter !== undefined && refreshAfter >= ttl) {
    throw outOfRange('"options.refreshAfter"', `less than "options.ttl" (${ttl})`, refreshAfter)
  }
}

/**
 * Returns the loader and the signal of a call. Throws the signal's reason if it is aborted.
 * @param {unknown} options or the loader
 * @param {'load' | 'loadMany'} loader name of the loader
 * @returns {{ load: any, signal: AbortSignal | undefined }}
 */
function readCall(options, loader) {
  if (options === undefined || typeof options === 'function') return { load: options, signal: undefined }
  if (typeof options !== 'object' || options === null) {
    throw invalidType(`The "${loader}" argument`, 'of type function or object', options)
  }
  return readCallOptions(options, loader)
}

/** Like `readCall`, for a call that accepts only an object. @type {(options: any, loader: 'load' | 'loadMany') => ReturnType<typeof readCall>} */
function readCallOptions(options, loader) {
  checkOptions(options, CALL_OPTIONS[loader])
  const { [loader]: load, signal } = options
  checkFunction(`The "options.${loader}" property`, load)
  if (signal === undefined) return { load, signal }
  checkSignal(signal)
  if (signal.aborted) throw signal.reason
  return { load, signal }
}

/**
 * Refuses a third argument: a loader or a signal there would otherwise have no effect, silently.
 * @param {unknown} extra
 * @param {'load' | 'loadMany'} loader name of the loader
 */
function checkNoThird(extra, loader) {
  if (extra === undefined) return
  throw invalidValue(`There is no third argument: pass { ${loader}, signal } as the second one`)
}

/**
 * @param {unknown} id
 * @param {number} [index] in a list of ids
 */
function checkId(id, index) {
  if (typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint') return
  const name = index === undefined ? 'The "id" argument' : `ids[${index}]`
  throw invalidType(name, 'of type string, number or bigint', id)
}

/**
 * Throws if a value, or its encoded form, is detached memory.
 * @param {Id} id
 * @param {unknown} value
 */
function checkStorable(id, value) {
  if (isDetached(value)) throw detachedError(`The value of ${formatId(id)}`, value)
}

/**
 * Checks a weight that `options.weigh` returned.
 * @param {unknown} weight
 * @param {Id} id
 */
function checkWeight(weight, id) {
  if (typeof weight === 'number' && weight >= 0 && weight <= MAX_SAFE_INTEGER) return atLeastOne(Math.ceil(weight))
  const message = `The weight that options.weigh returns for ${formatId(id)} must be a number >= 0. Received ${formatValue(weight)}`
  throw withCode(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/** Returns the weight to count: entries that weigh nothing would be unlimited. @param {number} weight */
function atLeastOne(weight) {
  return Math.max(1, weight)
}

function closedError() {
  return new OffloopError('ERR_OFFLOOP_CLOSED', 'The cache is closed')
}

module.exports = {
  DEFAULTS,
  OPTIONS,
  checkResize,
  checkFunction,
  checkId,
  checkNoThird,
  checkStorable,
  checkLimits,
  checkNumber,
  checkWeight,
  atLeastOne,
  closedError,
  readCall,
  readCallOptions,
  readOptions,
  sharedOptions,
  unboundedError
}
