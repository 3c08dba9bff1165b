'use strict'

const { root, start } = require('./command.js')
const { build, install, place } = require('./setup.js')

start(async () => {
  await install(root)
  await build()
  place()
})
