'use strict'

/** @type {object[]} */
const kept = []

/**
 * Keeps an object for the life of the process, and with it the hidden class of all objects of its class. Without any such object V8
 * drops the hidden class at a full collection, together with the code that is optimized for it, so that work after a pause would
 * start slowly again.
 * @param {object} example whose fields had values of every representation that they ever get
 */
function keepHiddenClass(example) {
  kept.push(example)
}

module.exports = { keepHiddenClass }
