'use strict'

const { join } = require('node:path')
const { workerData } = require('node:worker_threads')

/** Key of the `workerData` of a pool's threads. */
const MARK = 'offloop:pool-thread'
/** File that is loaded before a script of `transforms.workerScript`. */
const SCRIPT_PRELOAD = join(__dirname, '..', 'worker', 'script-preload.js')

/** Returns whether this thread runs the tasks of a pool. Must be called before the modules of the user are loaded. */
function isPoolThread() {
  const isMarked = typeof workerData === 'object' && workerData !== null && MARK in workerData
  return isMarked || process.execArgv.includes(SCRIPT_PRELOAD)
}

module.exports = { MARK, SCRIPT_PRELOAD, isPoolThread }
