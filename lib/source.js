'use strict'

// Where the inputs of `map` and `iterate` come from.

const { checkMemory, invalidType } = require('./validate')

/** @typedef {Iterator<unknown> | AsyncIterator<unknown>} Source */

/** @param {unknown} inputs */
function isAsyncIterable(inputs) {
  return typeof (/** @type {any} */ (inputs)?.[Symbol.asyncIterator]) === 'function'
}

/**
 * @param {any} inputs
 * @returns {Source}
 */
function open(inputs) {
  const make = inputs?.[Symbol.asyncIterator] ?? inputs?.[Symbol.iterator]
  if (typeof make !== 'function' || typeof inputs === 'string')
    throw invalidType('The "inputs" argument', 'an iterable or an async iterable of inputs', inputs)
  if (!ArrayBuffer.isView(inputs)) return make.call(inputs)
  // A typed array that is detached while it is read throws V8's own words.
  const check = () => checkMemory('The "inputs" argument', inputs)
  check()
  const elements = make.call(inputs)
  const next = () => {
    check()
    return elements.next()
  }
  return /** @type {Source} */ ({ next })
}

module.exports = { isAsyncIterable, open }
