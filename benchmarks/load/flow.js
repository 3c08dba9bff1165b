'use strict'

const { performance } = require('node:perf_hooks')
const { Readable, Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { timerLateness } = require('./timer-lateness.js')
const { percentile } = require('../harness/statistics.js')

const CHUNK = 64 << 10
const INTERVAL = 5

/**
 * Sends bytes through streams in chunks of 64 KiB, each in its own memory, as files and sockets deliver them.
 * @param {Uint8Array} bytes
 * @param {(NodeJS.ReadWriteStream | Writable)[]} streams the last of which may be a sink
 * @returns {Promise<{ seconds: number, late: number }>} `late`: how late a 5 ms timer fires, the 99th percentile (ms)
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
  for (let at = 0; at < bytes.length; at += CHUNK) yield Buffer.from(bytes.subarray(at, at + CHUNK))
}

/** Returns a sink that only counts bytes. */
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
