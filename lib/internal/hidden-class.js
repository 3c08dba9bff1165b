'use strict'

/** @type {object[]} */
const kept = []

/**
 * Keeps an object for the life of the process, and with it the hidden class of all objects of its class. If no such object exists
 * at a full collection, V8 drops the hidden class and the code optimized for it, so that the next work starts in the interpreter.
 * @param {object} example whose fields have held a value of each representation that they will ever hold
 */
function keepHiddenClass(example) {
  kept.push(example)
}

module.exports = { keepHiddenClass }
