'use strict'

const {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkSignal,
  invalidType,
  priorityNumber
} = require('../internal/validate')
const { implementationOf } = require('../task/implementation')
const { withCode } = require('../internal/errors')

/** Default limit of unprocessed bytes. */
const HIGH_WATER_MARK = 1 << 20
/** Default limit of buffered chunks in object mode, as in Node. */
const OBJECT_HIGH_WATER_MARK = 16
/** Default concurrency for each thread. */
const CHUNKS_PER_THREAD = 4
const MAX_CONCURRENCY = 2 ** 31 - 1

const STREAM_OPTIONS = ['highWaterMark', 'signal', 'priority']
const SINK_OPTIONS = [...STREAM_OPTIONS, 'concurrency', 'each', 'objectMode', 'onResult']

/** Options that require `each`, and why. */
const NEEDS_EACH = /** @type {const} */ ({
  concurrency: 'without it the whole stream is one task',
  onResult: 'without it there is one result, as sink.result'
})

/**
 * @param {any} options
 * @param {readonly string[]} [known]
 */
function readStreamOptions(options, known = STREAM_OPTIONS) {
  checkOptions(options, known)
  const { signal, priority } = options
  const { highWaterMark = options.objectMode ? OBJECT_HIGH_WATER_MARK : HIGH_WATER_MARK } = options
  checkInteger('options.highWaterMark', highWaterMark, 0, Number.MAX_SAFE_INTEGER)
  if (signal !== undefined) checkSignal(signal)
  priorityNumber(priority)
  return { highWaterMark, signal, priority }
}

/**
 * @param {any} options
 * @param {number} threads
 */
function readSinkOptions(options, threads) {
  const read = readStreamOptions(options, SINK_OPTIONS)
  const { concurrency = CHUNKS_PER_THREAD * threads, each = false, objectMode = false, onResult } = options
  checkInteger('options.concurrency', concurrency, 1, MAX_CONCURRENCY)
  checkBoolean('options.each', each)
  checkBoolean('options.objectMode', objectMode)
  if (onResult !== undefined && typeof onResult !== 'function') {
    throw invalidType('The "options.onResult" property', 'of type function', onResult)
  }
  for (const [name, why] of Object.entries(NEEDS_EACH)) {
    if (each || options[name] === undefined) continue
    throw withCode(new TypeError(`options.${name} requires options.each: ${why}`), 'ERR_INVALID_ARG_VALUE')
  }
  return { ...read, concurrency, each, objectMode, onResult }
}

/**
 * @param {any} transform
 * @param {string} instead alternative, for the message
 */
function checkStreaming(transform, instead) {
  implementationOf(transform)
  if (transform.streaming) return
  const message = `The transform '${transform.name}' needs its whole input and cannot stream${instead}`
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/** Checks the transform of a sink without object mode, whose chunks are bytes. @param {any} transform */
function checkAcceptsBytes(transform) {
  if (implementationOf(transform).acceptsBytes) return
  const message = `The transform '${transform.name}' accepts values, not bytes: its sinks require { objectMode: true }`
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

module.exports = {
  HIGH_WATER_MARK,
  checkStreaming,
  checkAcceptsBytes,
  readSinkOptions,
  readStreamOptions
}
