'use strict'

const { join } = require('node:path')
const { transforms } = require('../../index.js')

const folder = join(__dirname, '..', 'fixtures', 'worker')

/** @param {string} name of a file of fixtures */
const fixture = name => join(folder, name)

/** A function of the fixtures. @param {string} [name] @returns {import('../../index.js').Transform<any, any>} */
const plain = name => transforms.module(fixture('functions.js'), { export: name })

/** Words that threads share. */
const words = () => new Int32Array(new SharedArrayBuffer(8))

/**
 * Until a word is at least so much.
 * @param {Int32Array} words
 * @param {number} index
 * @param {number} least
 */
async function reaches(words, index, least) {
  // Waiting alone does not keep the process alive.
  const alive = setInterval(() => {}, 60_000)
  for (;;) {
    const value = Atomics.load(words, index)
    if (value >= least) return clearInterval(alive)
    await /** @type {any} */ (Atomics).waitAsync(words, index, value).value
  }
}

/** Lets all that waits for it go on. @param {Int32Array} words */
function release(words) {
  Atomics.store(words, 1, 1)
  Atomics.notify(words, 1)
}

module.exports = { fixture, plain, reaches, release, words }
