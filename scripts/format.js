'use strict'

const { root, run, start, tool } = require('./lib/process.js')
const { install } = require('./lib/setup.js')

start(async () => {
  await install(root)
  const biome = await run(process.execPath, [tool('@biomejs/biome'), 'check', '--write', '.'], { show: true })
  const rust = await run('cargo', ['fmt'], { show: true })
  return biome.code || rust.code
})
