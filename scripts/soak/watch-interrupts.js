'use strict'

// Interrupts eight worker threads about a million times while they parse, match, sort, compress, allocate, run other contexts, are
// terminated and exit. Fails if a result is wrong, a report of a fatal block is not whole, a thread crashes, or memory grows.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { createInterface } = require('node:readline')
const { Worker } = require('node:worker_threads')
const { join } = require('node:path')
const { setTimeout: after } = require('node:timers/promises')

const THREADS = 8
const INTERRUPTS = Number(process.argv[2] ?? 1_000_000)
const IS_WATCHED = process.argv[3] === 'watched'
/** Parts of the run whose mean memory is compared: the heaps of the threads grow and shrink. */
const PARTS = 10
const MAX_GROWTH = 1.1
const WORKER = join(__dirname, 'watch-interrupts-worker.js')
/** Exit codes of threads that return, are terminated, or call `process.exit`. */
const EXPECTED = [0, 1, 7]

const counts = { interrupts: 0, rounds: 0, wrong: 0, terminated: 0, exited: 0, crashed: 0 }
/** Resident memory in each part of the run. @type {{ sum: number, count: number }[]} */
const memory = Array.from({ length: PARTS }, () => ({ sum: 0, count: 0 }))

/** @type {Set<Worker>} */
const workers = new Set()
/** Those that may be terminated. @type {Set<Worker>} */
const mortal = new Set()

function startWorker() {
  // Node.js aborts if a thread is terminated while it makes a stream of zlib.
  const isMortal = Math.random() < 0.5
  const worker = new Worker(WORKER, { workerData: { hasZlib: !isMortal } })
  workers.add(worker)
  if (isMortal) mortal.add(worker)
  worker.on('message', ({ interrupts, rounds, wrong }) => {
    counts.interrupts += interrupts
    counts.rounds += rounds
    counts.wrong += wrong
  })
  worker.on('error', error => {
    counts.crashed++
    process.stderr.write(`${error.stack}\n`)
  })
  worker.on('exit', code => {
    workers.delete(worker)
    mortal.delete(worker)
    if (!EXPECTED.includes(code)) counts.crashed++
    if (code === 7) counts.exited++
  })
}

function sampleMemory() {
  const part = memory[Math.min(PARTS - 1, Math.floor((counts.interrupts / INTERRUPTS) * PARTS))]
  part.sum += process.memoryUsage.rss()
  part.count++
}

/** @param {Worker} worker */
async function endWorker(worker) {
  worker.postMessage('end')
  await once(worker, 'exit')
}

async function interrupt() {
  const began = performance.now()
  let printed = began
  while (counts.interrupts < INTERRUPTS) {
    while (workers.size < THREADS) startWorker()
    await after(20)
    sampleMemory()
    const [victim] = mortal
    if (victim !== undefined && Math.random() < 0.02) {
      counts.terminated++
      await victim.terminate()
    }
    if (performance.now() - printed > 10_000) {
      printed = performance.now()
      process.stdout.write(`${JSON.stringify(counts)}\n`)
    }
  }
  await Promise.all([...workers].map(endWorker))
  const megabytes = memory.map(({ sum, count }) => Math.round(sum / count / 1e6))
  // The first part warms up.
  const growth = megabytes[PARTS - 1] / megabytes[1]
  const seconds = Math.round((performance.now() - began) / 1000)
  process.stdout.write(`${JSON.stringify({ ...counts, megabytes, growth: growth.toFixed(3), seconds })}\n`)
  if (counts.wrong > 0 || counts.crashed > 0 || growth > MAX_GROWTH) process.exitCode = 1
}

/** Runs the threads in another process, whose reports are read from its standard error. */
async function main() {
  const child = spawn(process.execPath, [__filename, `${INTERRUPTS}`, 'watched'], {
    stdio: ['ignore', 'inherit', 'pipe']
  })
  let [reports, broken] = [0, 0]
  for await (const line of createInterface({ input: child.stderr })) {
    if (!line.startsWith('{"')) {
      process.stderr.write(`${line}\n`)
      continue
    }
    reports++
    try {
      JSON.parse(line)
    } catch {
      broken++
    }
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const { exitCode, signalCode } = child
  process.stdout.write(`${JSON.stringify({ reports, broken, exitCode, signalCode })}\n`)
  if (broken > 0 || exitCode !== 0) process.exitCode = 1
}

if (IS_WATCHED) interrupt()
else main()
