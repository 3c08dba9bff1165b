'use strict'

// The cost of a no-op native task: the round trip.

const { Pool, transforms } = require('../../..')
const { noOpCases } = require('../../harness/no-op-cases.js')
const { piscina, tinypool, workerpool } = require('../../contenders/pools.js')

/** @typedef {import('../../contenders/pools.js').PoolContender} PoolContender */

/** @param {number} threads */
async function open(threads) {
  const pool = new Pool({ threads })
  const identity = transforms.identity()
  /** @type {PoolContender} */
  const offloop = { name: 'offloop', run: input => pool.run(identity, input), close: () => pool.close() }
  return [
    offloop,
    piscina('echo.js', threads),
    await tinypool('echo.js', threads),
    workerpool('echo-workerpool.js', threads)
  ]
}

const cases = noOpCases({
  names: ['flood', 'single'],
  what: 'no-op tasks on 8 bytes',
  input: new Uint8Array(8),
  open,
  atLeast: 15,
  atMost: 0.1
})

module.exports = { cases }
