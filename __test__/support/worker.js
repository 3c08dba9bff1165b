'use strict'

const { join } = require('node:path')
const { transforms } = require('../../index.js')
const { onFailure } = require('./on-failure.js')

const folder = join(__dirname, '..', 'fixtures', 'worker')

/** @param {string} name of a file in fixtures/worker */
const fixture = name => join(folder, name)

/** Returns a transform that runs a function of fixtures/worker/functions.js. @param {string} [name] */
const userFunction = name => transforms.worker(fixture('functions.js'), { export: name })

function sharedWords() {
  const words = new Int32Array(new SharedArrayBuffer(8))
  onFailure(() => release(words))
  return words
}

/**
 * Resolves when a word is at least `least`.
 * @param {Int32Array} words
 * @param {number} index
 * @param {number} least
 */
async function waitForValue(words, index, least) {
  // waitAsync does not keep the process alive.
  const alive = setInterval(() => {}, 60_000)
  for (;;) {
    const value = Atomics.load(words, index)
    if (value >= least) return clearInterval(alive)
    await /** @type {any} */ (Atomics).waitAsync(words, index, value).value
  }
}

/** Wakes the threads that wait for the second word. @param {Int32Array} words */
function release(words) {
  Atomics.store(words, 1, 1)
  Atomics.notify(words, 1)
}

module.exports = { fixture, release, sharedWords, userFunction, waitForValue }
