'use strict'

const { buildAddon, placeAddon } = require('./lib/build.js')
const { root, start } = require('./lib/process.js')
const { install } = require('./lib/setup.js')

start(async () => {
  await install(root)
  await buildAddon()
  placeAddon()
})
