'use strict'

// Side by side with other packages, which live in bench/node_modules and nowhere else.

const { join } = require('node:path')
const { root, start } = require('./command.js')
const { install, setup } = require('./setup.js')

start(async () => {
  await setup()
  await install(join(root, 'bench'))
  return require('../bench/run.js').main(process.argv.slice(2))
})
