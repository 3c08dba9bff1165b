'use strict'

const { performance } = require('node:perf_hooks')
const { Readable, Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { timerLateness } = require('./timer-lateness.js')
const { percentile } = require('../harness/statistics.js')

const CHUNK = 64 << 10
const INTERVAL = 5

/**
 * Sends bytes through streams in chunks of 64 KiB, each a separate Buffer, as delivered by files and sockets.
 * @param {Uint8Array} bytes
 * @param {(NodeJS.ReadWriteStream | Writable)[]} streams of which the last may be a sink
 * @returns {Promise<{ seconds: number, late: number }>} `late` is the 99th percentile of the lateness of a 5 ms timer, in ms
 */
async function flow(bytes, streams) {
  const timer = timerLateness(INTERVAL)
  const begin = performance.now()
  await pipeline([Readable.from(chunks(bytes)), ...streams])
  const seconds = (performance.now() - begin) / 1000
  return { seconds, late: percentile(await timer.end(), 99) }
}

/** @param {Uint8Array} bytes */
function* chunks(bytes) {
  for (let start = 0; start < bytes.length; start += CHUNK) yield Buffer.from(bytes.subarray(start, start + CHUNK))
}

function countingSink() {
  const sink = { bytes: 0, stream: new Writable() }
  sink.stream = new Writable({
    write(chunk, _encoding, callback) {
      sink.bytes += chunk.length
      callback()
    }
  })
  return sink
}

module.exports = { countingSink, flow }
