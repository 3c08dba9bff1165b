'use strict'

// The keeper's thread, which holds the records of a host: a blocked event loop of its process delays no other process.

const { rmSync } = require('node:fs')
const { createServer } = require('node:net')
const { parentPort, workerData } = require('node:worker_threads')
const { now } = require('../../internal/clock')
const { Hub } = require('../hub')
const { serve } = require('./serve')

/** Maximum number of connections, one for each thread that has a cache. */
const MAX_CONNECTIONS = 1000

const { socket, isFile, maxBytes } = workerData
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort)
const hub = new Hub(maxBytes, now)
const server = createServer(connection => serve(hub, connection))
server.maxConnections = MAX_CONNECTIONS
server.on('error', ({ message }) => port.postMessage({ failure: message }))
// From an earlier keeper.
if (isFile) rmSync(socket, { force: true })
// Bypasses the primary process of a cluster.
server.listen({ path: socket, exclusive: true }, () => port.postMessage({ failure: undefined }))
