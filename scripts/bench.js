'use strict'

// Benchmarks against other packages, which are installed in benchmarks/node_modules alone.

const { join } = require('node:path')
const { root, start } = require('./lib/process.js')
const { install, setup } = require('./lib/setup.js')

start(async () => {
  await setup()
  await install(join(root, 'benchmarks'))
  return require('../benchmarks/run.js').main(process.argv.slice(2))
})
