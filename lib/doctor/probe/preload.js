'use strict'

// Loaded before the program, in each of its processes and threads. Nothing is measured until a server listens, or the run is that of
// a program without a server.

const { isMainThread } = require('node:worker_threads')
const { settingsOfEnvironment } = require('../settings')

/** Programs that start others: the doctor does not look at them. */
const TOOLS =
  /[\\/](?:npm|npx|yarn|pnpm|corepack|bun|lerna|turbo|nx|nodemon|pm2|concurrently|cross-env)(?:-cli)?(?:\.[cm]?js)?$/
const PACKAGES =
  /[\\/]node_modules[\\/](?:npm|yarn|pnpm|corepack|nodemon|pm2|concurrently|cross-env|autocannon|tsx|ts-node|esbuild|typescript)[\\/]/

/** Returns whether this process runs a tool. A loader such as tsx starts another process for the program. */
function isTool() {
  const script = process.argv[1] ?? ''
  return TOOLS.test(script) || PACKAGES.test(script)
}

const settings = settingsOfEnvironment()
// A worker thread may hold its own loop: it is there to be busy.
if (settings !== undefined && isMainThread && !isTool()) require('./session').prepare(settings)
