'use strict'

// node block.js <watcher>: blocks its event loop once and prints what the watcher reports of it.

const { setTimeout: sleep } = require('node:timers/promises')
const { THRESHOLD, WATCHERS } = require('../contenders/watchers.js')

const BLOCK = 200

const sinceEpoch = () => performance.timeOrigin + performance.now()

function guilty() {
  const end = performance.now() + BLOCK
  while (performance.now() < end);
}

function handle() {
  const began = sinceEpoch()
  guilty()
  return began
}

async function main() {
  /** @type {import('../contenders/watchers.js').Report[]} */
  const reports = []
  // The report of the loading of modules is not that of the block.
  let isBlocked = false
  WATCHERS[process.argv[2]](report => isBlocked && reports.push(report))
  await sleep(1000)
  isBlocked = true
  const began = await new Promise(resolve => setTimeout(() => resolve(handle()), 1))
  await sleep(500)
  const [first] = reports
  if (first === undefined) throw new Error('no block was reported')
  const { stack, captured } = first
  const measured = {
    'names the function': stack.some(frame => /\bguilty\b/.test(frame)) ? 1 : 0,
    ...(captured === undefined ? {} : { 'stack late': captured - began - THRESHOLD })
  }
  process.stdout.write(JSON.stringify(measured), () => process.exit())
}

main()
