'use strict'

// Process of a contender (process-per-contender.js): runs a round per message until its parent disconnects.

const [file, caseName, name] = process.argv.slice(2)

/** @type {{ contender: (caseName: string, name: string) => Promise<import('./case.js').Contender> }} */
const { contender } = require(file)
const opened = contender(caseName, name)

process.on('message', async () => {
  const { round } = await opened
  globalThis.gc?.()
  process.send?.(await round())
})

process.on('disconnect', async () => {
  const { close } = await opened
  await close?.()
})
