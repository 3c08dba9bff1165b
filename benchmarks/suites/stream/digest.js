'use strict'

// An incremental hash of 69 MB, compared with createHash on the event loop.

const { equal } = require('node:assert')
const { createHash } = require('node:crypto')
const { Writable } = require('node:stream')
const { Pool, transforms } = require('../../../index.js')
const { cities } = require('../../data/documents.js')
const { flow } = require('../../load/flow.js')

/** @typedef {import('../../harness/case.js').Case} Case */

const TIMES = 4

/** @param {number} threads */
function open(threads) {
  const input = Buffer.concat(Array(TIMES).fill(cities()))
  const expected = createHash('sha256').update(input).digest('hex')
  const pool = new Pool({ threads })
  const sha256 = transforms.digest('sha256', { encoding: 'hex' })

  /** @param {() => { sink: Writable, result: () => Promise<string> | string }} make */
  const round = async make => {
    const { sink, result } = make()
    const { seconds, late } = await flow(input, [sink])
    equal(await result(), expected)
    return { throughput: input.length / 1e6 / seconds, 'timer late, p99': late }
  }
  const offloopSink = () => {
    const sink = pool.collect(sha256)
    return { sink, result: () => sink.result }
  }
  const hashingWritable = () => {
    const hash = createHash('sha256')
    const sink = new Writable({
      write(chunk, _encoding, callback) {
        hash.update(chunk)
        callback()
      }
    })
    return { sink, result: () => hash.digest('hex') }
  }
  return [
    { name: 'offloop', round: () => round(offloopSink), close: () => pool.close() },
    { name: 'createHash', round: () => round(hashingWritable) }
  ]
}

/** @type {Case[]} */
const cases = [
  {
    name: 'sha256',
    what: "pool.collect(digest('sha256')) against a Writable that calls createHash's update, 69 MB in chunks of 64 KiB",
    reference: 'createHash',
    measures: [
      { name: 'throughput', unit: 'MB/s', target: { of: 'ratio', atLeast: 0.95 } },
      { name: 'timer late, p99', unit: 'ms' }
    ],
    open
  }
]

module.exports = { cases }
