'use strict'

// A thread that computes one sum and ends.

const { parentPort, workerData } = require('node:worker_threads')

let sum = workerData
for (let step = 0; step < 1_000_000; step++) sum += step
parentPort?.postMessage(sum)
