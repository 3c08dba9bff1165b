'use strict'

// The cost of calling a no-op user function, compared with other pools of worker threads.

const { join } = require('node:path')
const { Pool, transforms } = require('../../..')
const { noOpCases } = require('../../harness/no-op-cases.js')
const { piscina, tinypool, workerpool } = require('../../contenders/pools.js')

/** @typedef {import('../../contenders/pools.js').PoolContender} PoolContender */

const ECHO = join(__dirname, '..', '..', 'contenders', 'workers', 'echo.js')

/** @param {number} threads */
async function open(threads) {
  const pool = new Pool({ threads })
  const echo = transforms.worker(ECHO)
  /** @type {PoolContender} */
  const offloop = { name: 'offloop', run: input => pool.run(echo, input), close: () => pool.close() }
  const pools = [piscina('echo.js', threads), await tinypool('echo.js', threads)]
  return [offloop, ...pools, workerpool('echo-workerpool.js', threads)]
}

const cases = noOpCases({
  names: ['module-flood', 'module-single'],
  what: 'a no-op user function',
  input: 7,
  open,
  atLeast: 10,
  atMost: 0.8
})

module.exports = { cases }
