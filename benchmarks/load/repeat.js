'use strict'

/**
 * Repeats a codec's call for a round. Returns the throughput in MB/s, and the size of the output in percent of the input.
 * @param {(input: Uint8Array) => Buffer | Promise<Buffer>} run
 * @param {Uint8Array} input
 * @param {() => number} clock returns milliseconds: of time, or of CPU time
 * @param {number} duration of a round, on the clock
 */
async function repeat(run, input, clock, duration) {
  const begin = clock()
  let calls = 0
  let milliseconds = 0
  let output = 0
  do {
    output = (await run(input)).length
    calls++
    milliseconds = clock() - begin
  } while (milliseconds < duration)
  return { throughput: (calls * input.length) / 1e6 / (milliseconds / 1000), output: (output / input.length) * 100 }
}

module.exports = { repeat }
