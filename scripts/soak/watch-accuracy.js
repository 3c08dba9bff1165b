'use strict'

// Compares the reports of about a thousand random blocks with measurements: functions and lines, causes, durations. A tenth of them
// runs with a quarter of a core, if this process may make control groups. Prints wrong reports, and fails if there are too many.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdirSync, rmdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')

const BLOCKS = Number(process.argv[2] ?? 1000)
const WORKER = join(__dirname, 'watch-accuracy-worker.js')
/** Least shares of right reports. */
const LEAST = /** @type {const} */ ({ reported: 0.99, function: 0.98, line: 0.98, cause: 0.97, duration: 0.97 })
const GROUPS = [
  // Version 1 and version 2 of control groups.
  { root: '/sys/fs/cgroup/cpu', file: 'cpu.cfs_quota_us', quota: '25000' },
  { root: '/sys/fs/cgroup', file: 'cpu.max', quota: '25000 100000' }
]

/** Makes a group with a quarter of a core, and returns its folder. */
function makeGroup() {
  for (const { root, file, quota } of GROUPS) {
    const group = join(root, `offloop-${process.pid}`)
    try {
      mkdirSync(group)
      writeFileSync(join(group, file), quota)
      return group
    } catch {
      // This version is absent, or its groups may not be changed.
    }
  }
  return undefined
}

/**
 * @param {number} blocks
 * @param {string} [group]
 */
async function measure(blocks, group) {
  const args = group === undefined ? [] : ['throttled']
  const child = spawn(process.execPath, [WORKER, `${blocks}`, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (group !== undefined) writeFileSync(join(group, 'cgroup.procs'), `${child.pid}`)
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  process.stdout.write(`${group === undefined ? 'free' : 'a quarter of a core'}: ${output}\n`)
  const counts = JSON.parse(output)
  return Object.entries(LEAST).every(([part, share]) => counts[part] >= share * counts.blocks)
}

async function main() {
  const group = makeGroup()
  const throttled = group === undefined ? 0 : Math.round(BLOCKS / 10)
  const isFree = await measure(BLOCKS - throttled)
  const isThrottled = group === undefined || (await measure(throttled, group))
  if (group !== undefined) rmdirSync(group)
  else process.stdout.write('no control groups\n')
  if (!isFree || !isThrottled) process.exitCode = 1
}

main()
