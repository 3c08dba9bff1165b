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
const EACH_OPTIONS = [...STREAM_OPTIONS, 'concurrency', 'objectMode']

/** @param {any} options of `stream` and `collect` */
function readStreamOptions(options) {
  checkOptions(options, STREAM_OPTIONS)
  return readCommonOptions(options, HIGH_WATER_MARK)
}

/**
 * @param {any} options of `each`
 * @param {number} threads
 */
function readEachOptions(options, threads) {
  checkOptions(options, EACH_OPTIONS)
  const { concurrency = CHUNKS_PER_THREAD * threads, objectMode = false } = options
  checkInteger('options.concurrency', concurrency, 1, MAX_CONCURRENCY)
  checkBoolean('options.objectMode', objectMode)
  const common = readCommonOptions(options, objectMode ? OBJECT_HIGH_WATER_MARK : HIGH_WATER_MARK)
  return { ...common, concurrency, objectMode }
}

/**
 * @param {any} options
 * @param {number} defaultMark
 */
function readCommonOptions(options, defaultMark) {
  const { highWaterMark = defaultMark, signal, priority } = options
  checkInteger('options.highWaterMark', highWaterMark, 0, Number.MAX_SAFE_INTEGER)
  if (signal !== undefined) checkSignal(signal)
  priorityNumber(priority)
  return { highWaterMark, signal, priority }
}

/**
 * Checks the callback of `each`. Options in its position would otherwise be ignored.
 * @param {unknown} onResult
 */
function checkOnResult(onResult) {
  if (onResult === undefined || typeof onResult === 'function') return
  throw invalidType('The "onResult" argument', 'of type function, or undefined to drop the results', onResult)
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

/** Checks the transform of an `each` without object mode, whose chunks are bytes. @param {any} transform */
function checkAcceptsBytes(transform) {
  if (implementationOf(transform).acceptsBytes) return
  const message = `The transform '${transform.name}' accepts values, not bytes: each requires { objectMode: true }`
  throw withCode(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

module.exports = {
  HIGH_WATER_MARK,
  checkOnResult,
  checkStreaming,
  checkAcceptsBytes,
  readEachOptions,
  readStreamOptions
}
