'use strict'

// Clients that upload one body after the other; every other client is slow, as on a mobile network.

const { once } = require('node:events')
const { request } = require('node:http')
const { setTimeout: later } = require('node:timers/promises')
const { createHistogram } = require('node:perf_hooks')
const { body } = require('./data')

/** Bytes that a slow client sends at a time, and its pause after them in ms. */
const PIECE = 256 << 10
const REST = 20

/**
 * @param {{ port: number, path: string, connections: number, seconds: number, bytes: number }} load
 * @returns {{ ended: Promise<import('./load').Answered>, stop: () => void }}
 */
function uploads({ port, path, connections, seconds, bytes }) {
  const content = body(bytes)
  const micros = createHistogram()
  const start = performance.now()
  const end = start + seconds * 1000
  let isStopped = false
  const isOver = () => isStopped || performance.now() >= end

  /** @param {boolean} isSlow */
  async function client(isSlow) {
    while (!isOver()) {
      const begin = performance.now()
      await upload(isSlow)
      micros.record(Math.round((performance.now() - begin) * 1000))
    }
  }

  /** @param {boolean} isSlow */
  async function upload(isSlow) {
    const asked = request({ host: '127.0.0.1', port, path, method: 'POST', agent: false })
    const answered = once(asked, 'response')
    for (let at = 0; at < content.length; at += PIECE) {
      if (!asked.write(content.subarray(at, at + PIECE))) await once(asked, 'drain')
      if (isSlow) await later(REST)
    }
    asked.end()
    const [response] = await answered
    response.resume()
    await once(response, 'end')
    if (response.statusCode !== 200) throw new Error(`${path} answered with status ${response.statusCode}`)
  }

  const clients = Array.from({ length: connections }, (_, index) => client(index % 2 === 1))
  const ended = Promise.all(clients).then(() => {
    const perSecond = (micros.count / (performance.now() - start)) * 1000
    return { perSecond, p50: micros.percentile(50) / 1000, p99: micros.percentile(99) / 1000, refused: 0 }
  })
  const stop = () => {
    isStopped = true
  }
  return { ended, stop }
}

module.exports = { uploads }
