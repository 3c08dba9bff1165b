'use strict'

// Work for a thread.

/** @param {{ rows: number[] }} data */
module.exports = data => {
  let sum = data.rows.length
  for (let step = 0; step < 1_000_000; step++) sum = Math.sqrt(sum + step)
  return { sum }
}
