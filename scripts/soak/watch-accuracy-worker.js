'use strict'

// Blocks its event loop by each kind of work in turn, compares the reports of the watch with its own measurements, and prints the
// counts as JSON. The line of each kind that does the work ends with the word "guilty".

const { execSync, spawn } = require('node:child_process')
const { createHash, pbkdf2Sync } = require('node:crypto')
const { subscribe } = require('node:diagnostics_channel')
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { PerformanceObserver } = require('node:perf_hooks')
const { setTimeout: after } = require('node:timers/promises')
const { gzipSync } = require('node:zlib')
const { watch } = require('../../watch')

/** @typedef {import('../../watch').Block} Block */

const BLOCKS = Number(process.argv[2])
const IS_THROTTLED = process.argv[3] === 'throttled'
const THRESHOLD = 50
/** Duration of the blocks, in milliseconds. */
const [SHORTEST, LONGEST] = [60, 2000]
/** Accepted difference between two measurements of a duration. */
const TOLERANCE = 10
/** Longest wait for a report. */
const PATIENCE = 1000

const directory = mkdtempSync(join(tmpdir(), 'offloop-accuracy-'))
process.on('exit', () => rmSync(directory, { recursive: true }))
const file = join(directory, 'file.txt')
const bytes = Buffer.alloc(200 << 20, 'some text ')
writeFileSync(file, bytes.subarray(0, 50 << 20))
const rows = Array.from({ length: 1_000_000 }, (_, id) => ({ id, name: `name ${id}`, value: id * 1.5 }))

/**
 * @typedef {object} Kind
 * @property {(ms: number, input: any) => unknown} run holds the loop for about `ms`
 * @property {(ms: number) => unknown} [input] made before the block
 * @property {Block['cause'][]} causes
 */

/** @type {Record<string, Kind>} */
const kinds = {
  loop: {
    run: function loop(ms) {
      const end = performance.now() + ms
      while (performance.now() < end); // guilty
    },
    causes: ['cpu']
  },
  arithmetic: {
    run: function arithmetic(ms) {
      const end = performance.now() + ms
      let sum = 0
      for (let index = 0; index % 1e5 > 0 || performance.now() < end; index++) sum += Math.sqrt(index) // guilty
      return sum
    },
    causes: ['cpu']
  },
  parse: {
    input: ms => JSON.stringify(rows.slice(0, ms * 2000)),
    run: function parse(_ms, text) {
      return JSON.parse(text) // guilty
    },
    causes: ['native']
  },
  stringify: {
    input: ms => rows.slice(0, ms * 3000),
    run: function stringify(_ms, part) {
      return JSON.stringify(part) // guilty
    },
    causes: ['native']
  },
  regexp: {
    input: ms => `${'a'.repeat(Math.max(15, Math.round(Math.log2(ms * 25_000))))}b`,
    run: function regexp(_ms, text) {
      return /^(a+)+$/.test(text) // guilty
    },
    causes: ['cpu']
  },
  derive: {
    run: function derive(ms) {
      return pbkdf2Sync('password', 'salt', ms * 2000, 32, 'sha256') // guilty
    },
    causes: ['native']
  },
  hash: {
    input: ms => bytes.subarray(0, Math.min(bytes.length, ms * 1e6)),
    run: function hash(_ms, part) {
      return createHash('sha256').update(part).digest('hex') // guilty
    },
    causes: ['native']
  },
  execute: {
    run: function execute(ms) {
      return execSync(`sleep ${ms / 1000}`) // guilty
    },
    causes: ['blocked']
  },
  read: {
    run: function read(ms) {
      const end = performance.now() + ms
      while (performance.now() < end) readFileSync(file, 'utf8') // guilty
    },
    causes: ['native', 'cpu', 'blocked']
  },
  compress: {
    input: ms => bytes.subarray(0, Math.min(bytes.length, ms * 200_000)),
    run: function compress(_ms, part) {
      return gzipSync(part) // guilty
    },
    // JavaScript calls zlib for each piece of the output.
    causes: ['native', 'cpu']
  },
  allocate: {
    run: function allocate(ms) {
      const end = performance.now() + ms
      const kept = []
      for (let index = 0; performance.now() < end; index++) kept[index % 200_000] = { index, list: [index] } // guilty
      return kept
    },
    causes: ['cpu', 'native']
  },
  stop: {
    run: function stop(ms) {
      const command = `sleep 0.02; kill -STOP ${process.pid}; sleep ${ms / 1000}; kill -CONT ${process.pid}`
      spawn('sh', ['-c', command], { stdio: 'ignore' })
      const end = performance.now() + ms + 100
      while (performance.now() < end); // guilty
    },
    causes: ['suspended']
  }
}

/** Kinds whose processor time a quota divides. */
const THROTTLED = ['loop', 'arithmetic', 'parse', 'regexp', 'derive', 'allocate']

/** Lines of the kinds. @type {Map<string, number>} */
const lines = new Map()
for (const [index, line] of readFileSync(__filename, 'utf8').split('\n').entries()) {
  const name = /function (\w+)\(/.exec(line)?.[1]
  if (name !== undefined) lines.set('', 0).set(name, 0)
  const current = [...lines.keys()].at(-1)
  if (/\/\/ guilty$/.test(line) && current !== undefined) lines.set(current, index + 1)
}

let collecting = 0
new PerformanceObserver(list => {
  for (const { duration } of list.getEntries()) collecting += duration
}).observe({ entryTypes: ['gc'] })

/** @type {Block[]} */
let blocks = []
subscribe('offloop:block', block => void blocks.push(/** @type {Block} */ (block)))

/** Returns a duration; short ones are as frequent as long ones. */
function randomDuration() {
  return Math.round(SHORTEST * (LONGEST / SHORTEST) ** Math.random())
}

/**
 * Blocks the loop, and returns whether each part of the report is right.
 * @param {string} name
 */
async function judge(name) {
  const { run, input, causes } = kinds[name]
  const ms = randomDuration()
  const given = input?.(ms)
  await after(50)
  await after(5)
  blocks = []
  collecting = 0
  const measured = await measure(() => run(ms, given))
  if (measured.duration < SHORTEST) return undefined
  for (const began = performance.now(); blocks.length === 0 && performance.now() - began < PATIENCE; ) await after(5)
  await after(1)
  const [block] = blocks.sort((one, other) => other.duration - one.duration)
  const frame = block?.samples.find(sample => sample.frames.length > 0)?.frames.find(({ isUser }) => isUser)
  const answer = {
    reported: block !== undefined,
    function: frame?.name === name,
    line: frame?.name === name && frame.line === lines.get(name),
    cause: block !== undefined && expectedCauses(causes, block, measured).includes(block.cause),
    duration: Math.abs((block?.duration ?? 0) - measured.duration) <= TOLERANCE,
    late: block?.samples.find(({ capture }) => capture === 'on-time')?.lateness
  }
  const isRight = answer.reported && answer.function && answer.line && answer.cause && answer.duration
  if (!isRight) process.stderr.write(`${JSON.stringify({ name, ms, measured, answer, block: shorten(block) })}\n`)
  return answer
}

/** Returns the processor time in milliseconds: of this thread, or of the process before Node.js 23.9. */
function cpuUsage() {
  const { threadCpuUsage = process.cpuUsage } = /** @type {any} */ (process)
  const { user, system } = threadCpuUsage.call(process)
  return (user + system) / 1000
}

/** @param {() => unknown} call */
async function measure(call) {
  await null
  const usage = cpuUsage()
  const began = performance.now()
  call()
  const duration = performance.now() - began
  return { duration, cpu: Math.min(duration, cpuUsage() - usage) }
}

/**
 * Returns the causes that agree with measurements of Node.js.
 * @param {Block['cause'][]} causes
 * @param {Block} block
 * @param {{ duration: number, cpu: number }} measured
 */
function expectedCauses(causes, block, { duration, cpu }) {
  const collected = collecting / duration
  const idle = 1 - cpu / duration
  if (IS_THROTTLED && idle > 0.5) return ['starved']
  /** @type {Block['cause'][]} */
  const others = []
  // The share of starved time comes before that of collections, which includes it.
  if (idle > 0.3 && block.starved > 0.3 * duration) others.push('starved')
  else if (collected > 0.6) return ['gc']
  if (collected > 0.4) others.push('gc')
  return [...causes, ...others]
}

/** @param {Block | undefined} block */
function shorten(block) {
  const [sample] = block?.samples ?? []
  return block && { ...block, samples: [{ ...sample, frames: sample?.frames.slice(0, 3) }] }
}

/** @param {number[]} values */
function quantiles(values) {
  values.sort((one, other) => one - other)
  const at = (/** @type {number} */ share) => values[Math.floor(share * (values.length - 1))]
  return { count: values.length, p50: at(0.5), p95: at(0.95), max: at(1) }
}

async function main() {
  const stop = watch({ threshold: THRESHOLD, fatal: Infinity, maxPerMinute: 0 })
  const names = IS_THROTTLED ? THROTTLED : Object.keys(kinds)
  const counts = { blocks: 0, reported: 0, function: 0, line: 0, cause: 0, duration: 0 }
  /** @type {Record<string, number[]>} */
  const lateness = {}
  while (counts.blocks < BLOCKS) {
    const name = names[counts.blocks % names.length]
    const answer = await judge(name)
    if (answer === undefined) continue
    counts.blocks++
    for (const part of /** @type {const} */ (['reported', 'function', 'line', 'cause', 'duration'])) {
      counts[part] += Number(answer[part])
    }
    if (answer.late !== undefined) lateness[name] = [...(lateness[name] ?? []), answer.late]
  }
  stop()
  const shown = Object.entries(lateness).map(([name, values]) => [name, quantiles(values)])
  process.stdout.write(JSON.stringify({ ...counts, lateness: Object.fromEntries(shown) }))
}

main()
