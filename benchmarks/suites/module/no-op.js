'use strict'

// What a user's function costs when it has nothing to do, against other pools of worker threads.

const { join } = require('node:path')
const { Pool, transforms } = require('../../..')
const { noOpRows } = require('../../harness/no-op-cases.js')
const { piscina, tinypool, workerpool } = require('../../contenders/pools.js')

/** @typedef {import('../../contenders/pools.js').Peer} Peer */

const ECHO = join(__dirname, '..', '..', 'contenders', 'workers', 'echo.js')

/** @param {number} threads */
async function open(threads) {
  const pool = new Pool({ threads })
  const echo = transforms.module(ECHO)
  /** @type {Peer} */
  const offloop = { name: 'offloop', run: input => pool.run(echo, input), close: () => pool.close() }
  const peers = [piscina('echo.js', threads), await tinypool('echo.js', threads)]
  return [offloop, ...peers, workerpool('echo-workerpool.js', threads)]
}

const rows = noOpRows({
  names: ['module-flood', 'module-single'],
  what: 'a function of the user that does nothing',
  input: 7,
  open,
  atLeast: 10,
  atMost: 1
})

module.exports = { rows }
