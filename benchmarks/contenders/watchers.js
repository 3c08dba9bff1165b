'use strict'

// Watches of the event loop by offloop and by other packages, each as its documentation shows it, with the same threshold.

const { join } = require('node:path')
const { Worker } = require('node:worker_threads')

/** Duration from which on a stop of the event loop is reported, in milliseconds: the default of offloop. */
const THRESHOLD = 100
/** The intervals that the documentation of node-native-stacktrace has for a threshold of 1,000 ms, as shares of the threshold. */
const HEARTBEAT = 1 / 5
const CHECK = 1 / 2

/**
 * @typedef {object} Report
 * @property {readonly string[]} stack functions, each with or without its file
 * @property {number} [captured] when the stack was captured, in milliseconds of `sinceEpoch`
 *
 * @typedef {(report: Report) => void} OnReport
 */

/** Starts a watch of this thread. @type {Record<string, (onReport: OnReport, threshold?: number) => void>} */
const WATCHERS = {
  offloop(onReport, threshold = THRESHOLD) {
    const { watch } = require('../../watch')
    watch({
      threshold,
      onBlock({ began, samples }) {
        const sample = samples.find(({ frames }) => frames.length > 0)
        if (sample === undefined) return
        onReport({ stack: sample.frames.map(({ name }) => name), captured: began + sample.at + sample.lateness })
      }
    })
  },

  none() {},

  'blocked-at'(onReport, threshold = THRESHOLD) {
    require('blocked-at')((_time, stack) => onReport({ stack }), { threshold })
  },

  'node-native-stacktrace'(onReport, threshold = THRESHOLD) {
    const { registerThread, threadPoll } = require('@sentry-internal/node-native-stacktrace')
    registerThread()
    setInterval(() => threadPoll(), threshold * HEARTBEAT).unref()
    const workerData = { threshold, interval: threshold * CHECK }
    const worker = new Worker(join(__dirname, 'workers', 'watchdog.js'), { workerData })
    worker.on('message', onReport)
    worker.unref()
  }
}

module.exports = { THRESHOLD, WATCHERS }
