'use strict'

const { resolveCodec } = require('../cache/codec')
const { OPTIONS, checkFunction, checkNumber, readCallOptions, readOptions } = require('../cache/options')
const {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkSignal,
  formatValue,
  invalidType,
  invalidValue
} = require('../internal/validate')
const { CopyCodec } = require('./copies')

/** @typedef {import('./tier').TierSettings} TierSettings */

/** Options of a tiered cache, whose copies are always in native storage. */
const TIERED = [...OPTIONS.filter(option => option !== 'storage'), 'tier']
const GET = ['load', 'signal', 'maxStale']
const WHEN_DOWN = ['local', 'load', 'fail']
/** Options that all tiers have, with their defaults. */
const DEFAULTS = /** @type {const} */ ({
  maxStale: 1000,
  timeout: 250,
  leaseTtl: 3000,
  maxValueBytes: 1 << 20,
  whenDown: 'local',
  onError: undefined
})
/** Longest delay of Node's timers, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1
/** Largest value that a tier takes, in bytes. */
const MAX_VALUE = 64 << 20
/** Letters for codecs in records. */
const LETTERS = { v8: 'v', json: 'j', bytes: 'b', custom: 'c' }

/**
 * Reads the options that all tiers have.
 * @param {any} options
 * @returns {Omit<TierSettings, 'space' | 'compressor'>}
 */
function readTierOptions(options) {
  const { maxStale, timeout, leaseTtl, maxValueBytes, whenDown, onError } = { ...DEFAULTS, ...defined(options) }
  checkInteger('options.maxStale', maxStale, 0, MAX_TIMER)
  checkInteger('options.timeout', timeout, 1, MAX_TIMER)
  checkInteger('options.leaseTtl', leaseTtl, 10, MAX_TIMER)
  checkInteger('options.maxValueBytes', maxValueBytes, 1, MAX_VALUE)
  if (!WHEN_DOWN.includes(whenDown)) {
    const list = WHEN_DOWN.map(choice => `'${choice}'`).join(', ')
    throw invalidValue(`The "options.whenDown" property must be one of ${list}. Received ${formatValue(whenDown)}`)
  }
  checkFunction('The "options.onError" property', onError)
  return { maxStale, timeout, leaseTtl, maxValueBytes, whenDown, onError: onError ?? (() => {}) }
}

/** Returns the defined options. @param {Record<string, unknown>} options */
function defined(options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/**
 * Reads the options of a tiered cache.
 * @param {any} options
 */
function readTieredOptions(options) {
  checkOptions(options, TIERED)
  const { tier, name, ttl, codec, ...rest } = Object.fromEntries(TIERED.map(option => [option, options[option]]))
  if (typeof name !== 'string') throw invalidType('The "options.name" property', 'of type string', name)
  if (name === '') throw invalidValue('The "options.name" property must not be empty')
  if (typeof ttl !== 'number') throw invalidType('The "options.ttl" property', 'of type number', ttl)
  checkNumber('options.ttl', ttl, 1)
  const {
    jitter = 0,
    refreshAfter = Number.POSITIVE_INFINITY,
    staleWhileRevalidate = 0,
    staleIfError = 0,
    errorTtl = 0
  } = rest
  /** Returns the options of the copies in this process. @param {string} space of the tier */
  const copies = space => {
    // The process that stores a value applies the jitter, and the tier keeps errors.
    const read = readOptions({
      ...rest,
      ttl,
      codec,
      jitter: 0,
      errorTtl: 0,
      storage: 'native',
      name: `${name} in ${space}`
    })
    return { ...read, codec: new CopyCodec(resolveCodec(codec)), isCodecGiven: true, keepsPrevious: true }
  }
  // Throws for invalid options.
  readOptions({ ...rest, ttl, codec, storage: 'native', name })
  const kind = typeof codec === 'object' ? 'custom' : (codec ?? 'v8')
  return {
    tier,
    name,
    load: rest.load,
    copies,
    codec: resolveCodec(codec),
    letter: LETTERS[/** @type {keyof typeof LETTERS} */ (kind)],
    times: {
      ttl,
      jitter,
      refresh: refreshAfter,
      revalidates: staleWhileRevalidate,
      servesOnError: staleIfError,
      error: errorTtl
    },
    /** Settings that all processes must have in common. */
    settings: JSON.stringify({ format: 1, codec: kind, staleWhileRevalidate, staleIfError })
  }
}

/**
 * Returns the loader, the signal and the `maxStale` of a call. Throws the signal's reason if it is aborted.
 * @param {any} options or the loader
 * @returns {{ load: any, signal: AbortSignal | undefined, maxStale: number | undefined }}
 */
function readGet(options) {
  if (options === undefined || typeof options === 'function')
    return { load: options, signal: undefined, maxStale: undefined }
  checkOptions(options, GET)
  const { load, signal, maxStale } = options
  checkNumber('options.maxStale', maxStale)
  return { ...readCallOptions({ load, signal }, 'load'), maxStale }
}

/**
 * Reads the options of a change.
 * @param {any} options
 * @param {boolean} hasTtl
 * @returns {{ ttl: number | undefined, everywhere: boolean }}
 */
function readChange(options, hasTtl) {
  if (options === undefined) return { ttl: undefined, everywhere: false }
  checkOptions(options, hasTtl ? ['ttl', 'everywhere'] : ['everywhere'])
  const { ttl, everywhere = false } = options
  checkNumber('options.ttl', ttl)
  checkBoolean('options.everywhere', everywhere)
  return { ttl, everywhere }
}

/**
 * Returns the signal of a call.
 * @param {any} options
 * @returns {AbortSignal | undefined}
 */
function readSignal(options) {
  if (options === undefined) return undefined
  checkOptions(options, ['signal'])
  const { signal } = options
  if (signal !== undefined) checkSignal(signal)
  if (signal?.aborted) throw signal.reason
  return signal
}

module.exports = {
  TIER_OPTIONS: Object.keys(DEFAULTS),
  readChange,
  readGet,
  readSignal,
  readTierOptions,
  readTieredOptions
}
