'use strict'

// Pools of other packages, with as many threads as offloop and otherwise default settings.

const { join } = require('node:path')

/**
 * @typedef {object} PoolContender
 * @property {string} name
 * @property {(input: Uint8Array) => PromiseLike<unknown>} run
 * @property {() => PromiseLike<unknown>} close
 */

/**
 * @param {string} work a file of workers/
 * @param {number} threads
 * @returns {PoolContender}
 */
function piscina(work, threads) {
  const { Piscina } = require('piscina')
  const pool = new Piscina({ filename: join(__dirname, 'workers', work), minThreads: threads, maxThreads: threads })
  return { name: 'piscina', run: input => pool.run(input), close: () => pool.destroy() }
}

/**
 * @param {string} work a file of workers/
 * @param {number} threads
 * @returns {Promise<PoolContender>}
 */
async function tinypool(work, threads) {
  const { Tinypool } = await import('tinypool')
  const pool = new Tinypool({ filename: join(__dirname, 'workers', work), minThreads: threads, maxThreads: threads })
  return { name: 'tinypool', run: input => pool.run(input), close: () => pool.destroy() }
}

/**
 * @param {string} work a file of workers/ that registers itself as `work`
 * @param {number} threads
 * @returns {PoolContender}
 */
function workerpool(work, threads) {
  const { pool: open } = require('workerpool')
  const pool = open(join(__dirname, 'workers', work), {
    workerType: 'thread',
    minWorkers: threads,
    maxWorkers: threads
  })
  return { name: 'workerpool', run: input => pool.exec('work', [input]), close: () => pool.terminate() }
}

module.exports = { piscina, tinypool, workerpool }
