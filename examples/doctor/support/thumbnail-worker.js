'use strict'

// A thread that works for tens of milliseconds for each message.

const { parentPort } = require('node:worker_threads')

parentPort?.on('message', ({ id, picture }) => {
  let sum = 0
  for (let step = 0; step < 3_000_000; step++) sum = Math.sqrt(sum + step)
  parentPort?.postMessage({ id, thumbnail: `${picture} ${sum}` })
})
