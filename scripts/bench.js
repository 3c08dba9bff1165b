'use strict'

// Benchmarks against other packages, which are installed only in benchmarks/node_modules. They and the processes that they start run
// under the requested line of Node.js.

const { delimiter, dirname, join } = require('node:path')
const { main, options } = require('../benchmarks/run.js')
const { root, run, start } = require('./lib/process.js')
const { nodeOf } = require('./lib/runtimes.js')
const { install, setup } = require('./lib/setup.js')

start(async () => {
  const args = process.argv.slice(2)
  const { node, readme } = options(args)
  if (readme) return main(args)
  const path = await nodeOf(node)
  await setup()
  await install(join(root, 'benchmarks'))
  const env = { PATH: dirname(path) + delimiter + process.env.PATH }
  const { code } = await run(path, [join(root, 'benchmarks', 'run.js'), ...args], { env, show: true })
  return code
})
