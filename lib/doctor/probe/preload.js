'use strict'

// Loaded before the program, in each of its processes and threads. Installs the probes, which measure only once a server listens, or with
// `--for` from the beginning.

const { isMainThread } = require('node:worker_threads')
const { settingsOfEnvironment } = require('../settings')
const { register } = require('./registration')
const { isTool } = require('./tools')

/** Oldest supported version of Node.js. */
const [MAJOR, MINOR] = [20, 19]

function isTooOld() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major < MAJOR || (major === MAJOR && minor < MINOR)
}

const settings = settingsOfEnvironment()
// Worker threads may block their loops by design.
if (settings !== undefined && isMainThread) {
  register(settings)
  if (!isTool(process.argv[1] ?? '')) {
    if (isTooOld())
      require('./refusal').refuse(settings, `Node.js ${process.versions.node} is older than ${MAJOR}.${MINOR}`)
    else require('./session').prepare(settings)
  }
}
