'use strict'

const { randomBytes } = require('node:crypto')
const { SOURCE_LENGTH } = require('./rules')

const LENGTH = 12
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Makes unique tokens: random characters, drawn once, then the digits of a counter. */
class Tokens {
  #source = newSource()
  #count = 0

  /** Returns a token. */
  next() {
    if (this.#count === 64 ** (LENGTH - SOURCE_LENGTH)) {
      this.#source = newSource()
      this.#count = 0
    }
    return this.#source + digits(this.#count++)
  }
}

function newSource() {
  return randomBytes(SOURCE_LENGTH).reduce((text, byte) => text + DIGITS[byte & 63], '')
}

/** @param {number} number */
function digits(number) {
  let text = ''
  for (let place = SOURCE_LENGTH; place < LENGTH; place++) {
    text = DIGITS[number % 64] + text
    number = Math.floor(number / 64)
  }
  return text
}

module.exports = { Tokens }
