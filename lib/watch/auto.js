'use strict'

// Watches the event loop of each thread of a program: `node -r offloop/watch/auto server.js`.

const { watch } = require('.')
const { VARIABLE, parseVariable, readOptions } = require('./options')

const options = parseVariable(process.env[VARIABLE])
// Names the variable in messages, which `watch` cannot know.
readOptions(options, VARIABLE)
watch({ ...options, onBlock: print })

/** Prints a block as one line of JSON. @param {import('../../watch').Block} block */
function print(block) {
  process.stderr.write(`${JSON.stringify({ offloop: 'block', pid: process.pid, ...block })}\n`)
}
