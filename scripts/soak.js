'use strict'

// Runs the programs of scripts/soak/, which take too long for `npm test`: all, or one with its arguments.

const { readdirSync } = require('node:fs')
const { join } = require('node:path')
const { root, run, start } = require('./lib/process.js')
const { setup } = require('./lib/setup.js')

const FOLDER = join(root, 'scripts/soak')

start(async () => {
  const [name, ...args] = process.argv.slice(2)
  const names = readdirSync(FOLDER)
    .filter(file => !file.endsWith('-worker.js'))
    .map(file => file.replace(/\.js$/, ''))
  if (name !== undefined && !names.includes(name)) throw new Error(`Unknown: ${name}. Known: ${names.join(', ')}`)
  await setup()
  for (const each of name === undefined ? names : [name]) {
    const { code } = await run(process.execPath, [join(FOLDER, `${each}.js`), ...args], { show: true })
    if (code !== 0) return code
  }
  return 0
})
