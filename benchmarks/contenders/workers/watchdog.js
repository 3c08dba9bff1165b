'use strict'

// The thread that captures the stacks of node-native-stacktrace, as its documentation shows it.

const { parentPort, workerData } = require('node:worker_threads')
const { captureStackTrace, getThreadsLastSeen } = require('@sentry-internal/node-native-stacktrace')

const { threshold, interval } = workerData

setInterval(() => {
  for (const [thread, silent] of Object.entries(getThreadsLastSeen())) {
    if (silent <= threshold) continue
    const { frames } = captureStackTrace()[thread]
    const captured = performance.timeOrigin + performance.now()
    parentPort?.postMessage({ stack: frames.map(text), captured })
  }
}, interval)

/** @param {ReturnType<typeof captureStackTrace>[string]['frames'][number]} frame */
function text({ function: name, filename, lineno, colno }) {
  return `${name} (${filename}:${lineno}:${colno})`
}
