'use strict'

// A thread that computes a sum for each message.

const { parentPort } = require('node:worker_threads')
const sum = require('./sum.js')

parentPort?.on('message', start => parentPort?.postMessage(sum(start)))
