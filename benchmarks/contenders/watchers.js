'use strict'

// Watches of the event loop by offloop and by other packages, each as its documentation shows it, with the same threshold.

const { join } = require('node:path')
const { Worker } = require('node:worker_threads')

/** Duration from which on a stop of the event loop is reported, in milliseconds: the default of offloop. */
const THRESHOLD = 100
/** The intervals that the documentation of node-native-stacktrace has for a threshold of 1,000 ms, scaled down. */
const HEARTBEAT = THRESHOLD / 5
const CHECK = THRESHOLD / 2

/**
 * @typedef {object} Report
 * @property {readonly string[]} stack functions, each with or without its file
 * @property {number} [captured] when the stack was captured, in milliseconds of `sinceEpoch`
 *
 * @typedef {(report: Report) => void} OnReport
 */

/** Starts a watch of this thread. @type {Record<string, (onReport: OnReport) => void>} */
const WATCHERS = {
  offloop(onReport) {
    const { watch } = require('../../watch')
    watch({
      threshold: THRESHOLD,
      onBlock({ began, samples }) {
        const sample = samples.find(({ frames }) => frames.length > 0)
        if (sample === undefined) return
        onReport({ stack: sample.frames.map(({ name }) => name), captured: began + sample.at + sample.lateness })
      }
    })
  },

  none() {},

  'blocked-at'(onReport) {
    require('blocked-at')((_time, stack) => onReport({ stack }), { threshold: THRESHOLD })
  },

  'node-native-stacktrace'(onReport) {
    const { registerThread, threadPoll } = require('@sentry-internal/node-native-stacktrace')
    registerThread()
    setInterval(() => threadPoll(), HEARTBEAT).unref()
    const workerData = { threshold: THRESHOLD, interval: CHECK }
    const worker = new Worker(join(__dirname, 'workers', 'watchdog.js'), { workerData })
    worker.on('message', onReport)
    worker.unref()
  }
}

module.exports = { THRESHOLD, WATCHERS }
