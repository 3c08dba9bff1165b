'use strict'

// Loaded before the program, in each of its processes and threads. Nothing is measured until a server listens, or the run is that of
// a program without a server.

const { isMainThread } = require('node:worker_threads')
const { settingsOfEnvironment } = require('../settings')

/** Programs that start others: the doctor does not look at them. */
const TOOLS =
  /[\\/](?:npm|npx|yarn|pnpm|pnpx|corepack|bun|lerna|turbo|nx|nodemon|pm2(?:-\w+)?|concurrently|cross-env|tsx)(?:-cli|-\d[\d.]*)?(?:\.[cm]?js)?$/
const PACKAGES =
  /[\\/]node_modules[\\/](?:npm|yarn|pnpm|corepack|nodemon|pm2|concurrently|cross-env|autocannon|tsx)[\\/]/
/** Files of a tool that load the program. */
const CONTAINERS = /[\\/]pm2[\\/]lib[\\/]ProcessContainer(?:Fork)?(?:Bun)?\.js$/
/** The oldest Node.js that can be observed. */
const [MAJOR, MINOR] = [20, 19]

/** Returns whether this process runs a tool. A loader such as tsx starts another process for the program. */
function isTool() {
  const script = process.argv[1] ?? ''
  return !CONTAINERS.test(script) && (TOOLS.test(script) || PACKAGES.test(script))
}

function isTooOld() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major < MAJOR || (major === MAJOR && minor < MINOR)
}

const settings = settingsOfEnvironment()
// A worker thread may hold its own loop: it is there to be busy.
if (settings !== undefined && isMainThread && !isTool()) {
  if (isTooOld())
    require('./refusal').refuse(settings, `Node.js ${process.versions.node} is older than ${MAJOR}.${MINOR}`)
  else require('./session').prepare(settings)
}
