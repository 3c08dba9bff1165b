'use strict'

// Side by side with other packages, which live in bench/node_modules and nowhere else.

const { join } = require('node:path')
const { root, run, start } = require('./command.js')
const { install, setup } = require('./setup.js')

start(async () => {
  await setup()
  await install(join(root, 'bench'))
  const { code } = await run(process.execPath, [join(root, 'bench/run.js'), ...process.argv.slice(2)], { show: true })
  return code
})
