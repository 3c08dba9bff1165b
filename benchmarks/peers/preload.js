'use strict'

// Loaded before a program, in each of its processes: starts a watch of another package, and writes its reports when the process exits.

const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { isMainThread } = require('node:worker_threads')

/** Variable of the environment that holds the settings. */
const VARIABLE = 'OFFLOOP_BENCH_PEER'
const EXTENSION = '.reports'
const MAX_REPORTS = 20_000

/**
 * @typedef {{ watcher: string, threshold: number, directory: string }} Settings
 * @typedef {{ at: number, stack: string[] }} TimedReport `at`: milliseconds since the epoch
 */

/** @param {Settings} settings */
function observe({ watcher, threshold, directory }) {
  const { WATCHERS } = require('../contenders/watchers.js')
  /** @type {TimedReport[]} */
  const reports = []
  WATCHERS[watcher](({ stack }) => {
    if (reports.length < MAX_REPORTS) reports.push({ at: Date.now(), stack: [...stack] })
  }, threshold)
  process.on('exit', () => {
    writeFileSync(join(directory, `${process.pid}${EXTENSION}`), JSON.stringify(reports))
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit())
}

const settings = process.env[VARIABLE]
if (settings !== undefined && isMainThread) observe(JSON.parse(settings))

module.exports = { EXTENSION, VARIABLE }
