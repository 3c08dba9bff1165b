'use strict'

// The process of a contender (apart.js): a round whenever it is asked for one, until nobody can ask any more.

const [file, row, name] = process.argv.slice(2)

/** @type {{ contender: (row: string, name: string) => Promise<import('./case.js').Contender> }} */
const { contender } = require(file)
const opened = contender(row, name)

process.on('message', async () => {
  const { round } = await opened
  globalThis.gc?.()
  process.send?.(await round())
})

process.on('disconnect', async () => {
  const { close } = await opened
  await close?.()
})
