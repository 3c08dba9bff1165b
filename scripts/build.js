'use strict'

const { root, start } = require('./command.js')
const { build, install } = require('./setup.js')

start(async () => {
  await install(root)
  await build()
})
