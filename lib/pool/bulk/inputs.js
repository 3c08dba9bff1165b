'use strict'

const { checkMemory, invalidType } = require('../../internal/validate')

/**
 * @typedef {import('../pool-state').PoolState} PoolState
 * @typedef {import('../../..').MapOptions} MapOptions
 * @typedef {Iterator<unknown> | AsyncIterator<unknown>} InputIterator
 *
 * The arguments of a bulk call.
 * @typedef {object} BulkCall
 * @property {PoolState} pool
 * @property {any} transform
 * @property {Iterable<unknown> | AsyncIterable<unknown>} inputs
 * @property {MapOptions} options
 * @property {{ stack?: string }} caller
 *
 * Receives results, in any order.
 * @typedef {object} ResultHandler
 * @property {number} unread number of results held for a reader
 * @property {(index: number, value: unknown) => void} result
 * @property {(index: number, error: unknown) => void} failure of one input, unless failures are results too
 * @property {(index: number, error: unknown) => void} inputsFailed no input will follow the ones before `index`
 * @property {(reason: unknown) => void} stopped no event follows
 * @property {() => void} progress results have arrived, or the inputs have ended
 */

/**
 * Opens the inputs of a bulk call. Each property is read once.
 * @param {any} inputs
 * @returns {ReturnType<typeof opened>}
 */
function openInputs(inputs) {
  const asynchronous = inputs?.[Symbol.asyncIterator]
  const make = asynchronous ?? inputs?.[Symbol.iterator]
  if (typeof make !== 'function' || typeof inputs === 'string')
    throw invalidType('The "inputs" argument', 'an iterable or an async iterable of inputs', inputs)
  const isAsync = make === asynchronous
  if (!ArrayBuffer.isView(inputs)) return opened(make.call(inputs), isAsync)
  // If a typed array is detached while it is read, V8's iterator throws another error.
  const check = () => checkMemory('The "inputs" argument', inputs)
  check()
  const elements = make.call(inputs)
  const next = () => {
    check()
    return elements.next()
  }
  return opened(/** @type {InputIterator} */ ({ next }), isAsync)
}

/** @type {(iterator: InputIterator, isAsync: boolean) => { iterator: InputIterator, next: Function, isAsync: boolean }} */
function opened(iterator, isAsync) {
  const next = iterator?.next
  if (typeof next !== 'function')
    throw invalidType('The "next" property of the iterator of "inputs"', 'of type function', next)
  return { iterator, next, isAsync }
}

module.exports = { openInputs }
