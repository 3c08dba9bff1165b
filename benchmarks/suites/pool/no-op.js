'use strict'

// What a native task costs when there is nothing to do: the way there and back.

const { Pool, transforms } = require('../../..')
const { noOpRows } = require('../../harness/no-op-cases.js')
const { piscina, tinypool, workerpool } = require('../../contenders/pools.js')

/** @typedef {import('../../contenders/pools.js').Peer} Peer */

/** @param {number} threads */
async function open(threads) {
  const pool = new Pool({ threads })
  const identity = transforms.identity()
  /** @type {Peer} */
  const offloop = { name: 'offloop', run: input => pool.run(identity, input), close: () => pool.close() }
  return [
    offloop,
    piscina('echo.js', threads),
    await tinypool('echo.js', threads),
    workerpool('echo-workerpool.js', threads)
  ]
}

const rows = noOpRows({
  names: ['flood', 'single'],
  what: 'no-op tasks on 8 bytes',
  input: new Uint8Array(8),
  open,
  atLeast: 15,
  atMost: 0.3
})

module.exports = { rows }
