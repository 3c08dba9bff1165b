'use strict'

/**
 * Returns the statistics of a stream.
 * @param {import('node:stream').Writable} stream
 * @param {{ written: number, completed: number, bytes: number, stalls: number }} engine
 */
function statsOf({ destroyed }, { written, completed, bytes, stalls }) {
  return { written, completed, inFlight: destroyed ? 0 : written - completed, inFlightBytes: bytes, stalls }
}

module.exports = { statsOf }
