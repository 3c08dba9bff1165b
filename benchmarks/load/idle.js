'use strict'

// node idle.js <watcher>: prints the processor time of a process that does nothing but to watch its event loop.

const { setTimeout: sleep } = require('node:timers/promises')
const { WATCHERS } = require('../contenders/watchers.js')
const { cpuTime } = require('./cpu-time.js')

const SECONDS = 5

async function main() {
  WATCHERS[process.argv[2]](() => {})
  // Starting costs more than idling.
  await sleep(1000)
  const perSecond = await cpuTime(SECONDS, () => sleep(SECONDS * 1000))
  process.stdout.write(JSON.stringify({ 'CPU time': perSecond / 1e7 }), () => process.exit())
}

main()
