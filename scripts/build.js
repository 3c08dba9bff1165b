'use strict'

const { root, start } = require('./lib/process.js')
const { build, install, place } = require('./lib/setup.js')

start(async () => {
  await install(root)
  await build()
  place()
})
