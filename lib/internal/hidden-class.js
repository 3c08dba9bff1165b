'use strict'

const { AsyncResource } = require('node:async_hooks')

/** @type {object[]} */
const kept = []

/**
 * Keeps an object for the life of the process, and with it the hidden class of all objects of its class. If no such object exists
 * at a full collection, V8 drops the hidden class and the code optimized for it, so that the next work starts in the interpreter.
 * @param {object} example whose fields have held a value of each representation that they will ever hold
 */
function keepHiddenClass(example) {
  if (example instanceof AsyncResource) endResource(/** @type {any} */ (example))
  kept.push(example)
}

/**
 * Ends a resource that was created only as an example, and releases the stores of the caller's async context that it holds.
 * @param {AsyncResource & Record<symbol, any>} resource
 */
function endResource(resource) {
  resource.emitDestroy()
  for (const symbol of Object.getOwnPropertySymbols(resource)) {
    if (typeof resource[symbol] === 'object') resource[symbol] = undefined
  }
}

module.exports = { keepHiddenClass }
