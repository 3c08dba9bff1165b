'use strict'

// Side by side with other packages, which live in benchmarks/node_modules and nowhere else.

const { join } = require('node:path')
const { root, start } = require('./lib/process.js')
const { install, setup } = require('./lib/setup.js')

start(async () => {
  await setup()
  await install(join(root, 'benchmarks'))
  return require('../benchmarks/run.js').main(process.argv.slice(2))
})
