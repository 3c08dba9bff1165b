'use strict'

// Compares the reports of about a thousand random blocks with measurements: functions and lines, causes, durations. A tenth of them
// runs with a quarter of a core, if this process may make control groups. Prints wrong reports, and fails if there are too many.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')
const { QuarterCore } = require('./quarter-core')

const BLOCKS = Number(process.argv[2] ?? 1000)
const WORKER = join(__dirname, 'watch-accuracy-worker.js')
/** Least shares of right reports. */
const LEAST = /** @type {const} */ ({ reported: 0.99, function: 0.98, line: 0.98, cause: 0.97, duration: 0.97 })
/**
 * @param {number} blocks
 * @param {QuarterCore} [group]
 */
async function measure(blocks, group) {
  const args = group === undefined ? [] : ['throttled']
  const child = spawn(process.execPath, [WORKER, `${blocks}`, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (group !== undefined) writeFileSync(group.processes, `${child.pid}`)
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  process.stdout.write(`${group === undefined ? 'free' : 'a quarter of a core'}: ${output}\n`)
  const counts = JSON.parse(output)
  return Object.entries(LEAST).every(([part, share]) => counts[part] >= share * counts.blocks)
}

async function main() {
  const group = QuarterCore.make()
  const throttled = group === undefined ? 0 : Math.round(BLOCKS / 10)
  const isFree = await measure(BLOCKS - throttled)
  const isThrottled = group === undefined || (await measure(throttled, group))
  if (group !== undefined) group.remove()
  else process.stdout.write('no control groups\n')
  if (!isFree || !isThrottled) process.exitCode = 1
}

main()
