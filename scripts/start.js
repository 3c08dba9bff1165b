'use strict'

// Runs the demos that compare naive code with offloop.

const { join } = require('node:path')
const { root, run, start } = require('./lib/process.js')
const { setup } = require('./lib/setup.js')

start(async () => {
  await setup()
  const { code } = await run(process.execPath, [join(root, 'examples/traps/run.js'), ...process.argv.slice(2)], {
    show: true
  })
  return code
})
