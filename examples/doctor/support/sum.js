'use strict'

// The sum of sum-worker.js, for reused threads.

/** @param {number} start */
module.exports = start => {
  let sum = start
  for (let step = 0; step < 1_000_000; step++) sum += step
  return sum
}
