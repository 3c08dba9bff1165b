'use strict'

const { checkMemory, invalidType } = require('../../internal/validate')

/**
 * The iterator of inputs.
 * @typedef {Iterator<unknown> | AsyncIterator<unknown>} InputIterator
 *
 * The receiver of results, which come in any order.
 * @typedef {object} ResultHandler
 * @property {number} unread results that are held for a reader
 * @property {(index: number, value: unknown) => void} result
 * @property {(index: number, error: unknown) => void} failure of one input
 * @property {(index: number, error: unknown) => void} inputsFailed no input will follow the ones before `index`
 * @property {(reason: unknown) => void} stopped nothing more will come
 * @property {() => void} progress some results have come, or the inputs have ended
 */

/**
 * Opens the inputs of a map or an iteration. Each property is read once.
 * @param {any} inputs
 * @returns {{ iterator: InputIterator, isAsync: boolean }}
 */
function openInputs(inputs) {
  const asynchronous = inputs?.[Symbol.asyncIterator]
  const make = asynchronous ?? inputs?.[Symbol.iterator]
  if (typeof make !== 'function' || typeof inputs === 'string')
    throw invalidType('The "inputs" argument', 'an iterable or an async iterable of inputs', inputs)
  const isAsync = make === asynchronous
  if (!ArrayBuffer.isView(inputs)) return { iterator: make.call(inputs), isAsync }
  // If a typed array is detached while it is read, V8's iterator throws another error.
  const check = () => checkMemory('The "inputs" argument', inputs)
  check()
  const elements = make.call(inputs)
  const next = () => {
    check()
    return elements.next()
  }
  return { iterator: /** @type {InputIterator} */ ({ next }), isAsync }
}

module.exports = { openInputs }
