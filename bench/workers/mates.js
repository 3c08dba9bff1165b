'use strict'

const { setTimeout: sleep } = require('node:timers/promises')

/** A quick call, one that waits for so long (ms), or one that ends its thread. @param {number | 'exit'} input */
module.exports = input => {
  if (input === 'exit') process.exit(1)
  return input === 0 ? 0 : sleep(input, input)
}
