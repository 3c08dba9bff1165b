'use strict'

// node queued-tasks.js <contender> <tasks>: submits this number of no-op tasks together, repeatedly until a million are complete, and
// prints the CPU time of a task in nanoseconds. `promises alone` keeps as many promises without offloop.

const { setImmediate: immediate } = require('node:timers/promises')
const { Pool, transforms } = require('../..')
const { cpuTime } = require('./cpu-time.js')

const TASKS = 1_000_000
const WARM_UP = 50_000

const pool = new Pool({ maxQueue: TASKS })
const identity = transforms.identity()
const input = new Uint8Array(8)

/** @type {Record<string, (count: number) => Promise<unknown>>} */
const CONTENDERS = {
  offloop: count => Promise.all(Array.from({ length: count }, () => pool.run(identity, input))),
  async 'promises alone'(count) {
    /** @type {(() => void)[]} */
    const settle = []
    const all = Promise.all(
      Array.from({ length: count }, () => new Promise(resolve => settle.push(() => resolve(new Uint8Array(8)))))
    )
    await immediate()
    for (const resolve of settle) resolve()
    await all
  }
}

/**
 * @param {(count: number) => Promise<unknown>} submit
 * @param {number} total
 * @param {number} count submitted together
 */
async function tasks(submit, total, count) {
  for (let done = 0; done < total; done += count) await submit(count)
}

async function main() {
  const [name, count] = process.argv.slice(2)
  const submit = CONTENDERS[name]
  await tasks(submit, WARM_UP, 1000)
  const task = await cpuTime(TASKS, () => tasks(submit, TASKS, Number(count)))
  await pool.close()
  process.stdout.write(JSON.stringify({ task }))
}

main()
