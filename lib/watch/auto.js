'use strict'

// Watches the event loop of each thread of a program: `node -r offloop/watch/auto server.js`.

const { Console } = require('node:console')
const { lazy } = require('../internal/lazy')
const { isPoolThread } = require('../internal/pool-thread')
const { watch } = require('.')
const { VARIABLE, parseVariable, readOptions } = require('./options')

/** Ignores a standard error that is closed. */
const output = lazy(() => new Console(process.stderr))

const options = parseVariable(process.env[VARIABLE])
// A thread of a pool is there to be blocked.
if (options !== undefined && !isPoolThread()) start(options)

/** @param {import('../../watch').WatchOptions} options */
function start(options) {
  // Names the variable in messages, which `watch` cannot know.
  readOptions(options, VARIABLE)
  const { missing } = watch({ ...options, onBlock: print }).capabilities
  if (missing.stacks !== undefined) {
    process.emitWarning(`offloop/watch reports blocks without stacks. ${missing.stacks}`, 'OffloopWarning')
  }
}

/** Prints a block as one line of JSON. @param {import('../../watch').Block} block */
function print(block) {
  output().error('%s', JSON.stringify({ offloop: 'block', pid: process.pid, ...block }))
}
