'use strict'

// Loaded before the program, in each of its processes and threads. Nothing is measured until a server listens, or the run is that of
// a program without a server.

const { isMainThread } = require('node:worker_threads')
const { settingsOfEnvironment } = require('../settings')
const { isTool } = require('./tools')

/** The oldest Node.js that can be observed. */
const [MAJOR, MINOR] = [20, 19]

function isTooOld() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major < MAJOR || (major === MAJOR && minor < MINOR)
}

const settings = settingsOfEnvironment()
// Worker threads may block their loops by design.
if (settings !== undefined && isMainThread && !isTool(process.argv[1] ?? '')) {
  if (isTooOld())
    require('./refusal').refuse(settings, `Node.js ${process.versions.node} is older than ${MAJOR}.${MINOR}`)
  else require('./session').prepare(settings)
}
