'use strict'

const { isDeepStrictEqual } = require('node:util')
const vm = require('node:vm')
const { parentPort, workerData } = require('node:worker_threads')
const { gunzipSync, gzipSync } = require('node:zlib')
const native = require('../../lib/native')
require('../../lib/native/completion-port')
const { describe, formatter, framesOf } = require('../../lib/watch/frames')

/** Milliseconds: so short that most iterations are interrupted, and many are reported as fatal. */
const SETTINGS = { threshold: 0.2, fatal: 2, last: Infinity }
const REPORT_MS = 500

if (Math.random() < 0.3) Object.freeze(Error)
const functions = { errorClass: Error, descriptorOf: Object.getOwnPropertyDescriptor, formatter, describe }
// No subscriber has this number: blocks are taken by polling.
native.startWatch(SETTINGS, 0xffff_ffff, 0, functions, new ArrayBuffer(24))

const rows = Array.from({ length: 3000 }, (_, index) => ({ index, name: `name ${index}`, tags: ['a', `${index}`] }))
const text = JSON.stringify(rows)
const context = vm.createContext({})
let [rounds, wrong, interrupts] = [0, 0, 0]

/** @type {(() => boolean | Promise<boolean>)[]} */
const works = [
  () => isDeepStrictEqual(JSON.parse(text), rows),
  () => JSON.stringify(rows) === text,
  () => !/^(a+)+$/.test(`${'a'.repeat(17)}b`),
  () => text.match(/name \d+/g)?.length === rows.length,
  () => 'aaab'.repeat(5000).replace(/(?:(a)+)+b/g, (_match, last) => `<${last}>`) === '<a>'.repeat(5000),
  () => [...rows].sort((one, other) => other.index - one.index)[0].index === rows.length - 1,
  () => !workerData.hasZlib || gunzipSync(gzipSync(text, { level: 1 })).toString() === text,
  () =>
    vm.runInContext('(() => { let sum = 0; for (let i = 0; i < 1e6; i++) sum += i % 7; return sum })()', context) ===
    2999997,
  // biome-ignore lint/security/noGlobalEval: evaluated code has frames without files
  () => eval('let n = 0; for (let i = 0; i < 1e6; i++) n ^= i; n') === 0,
  () =>
    Array.from({ length: 20_000 }, (_, index) => ({ index })).reduce((sum, { index }) => sum + index, 0) === 199990000,
  async () => {
    let sum = 0
    for (let index = 0; index < 3000; index++) sum += await index
    return sum === 4498500
  },
  () => {
    try {
      return deep(0) < 0
    } catch (error) {
      return error instanceof RangeError
    }
  }
]

/** @type {(depth: number) => number} */
function deep(depth) {
  return deep(depth + 1) + 1
}

function takeBlocks() {
  for (let block = native.takeBlock(); block !== null; block = native.takeBlock()) {
    for (const { error } of block.samples) {
      if (error === null) continue
      interrupts++
      if (Math.random() < 0.05 && framesOf(error).some(frame => typeof frame.line !== 'number')) wrong++
    }
  }
}

async function main() {
  let reported = performance.now()
  for (;;) {
    await new Promise(resolve => setImmediate(resolve))
    takeBlocks()
    const work = works[Math.floor(Math.random() * works.length)]
    if (!(await work())) wrong++
    rounds++
    if (performance.now() - reported > REPORT_MS) {
      reported = performance.now()
      parentPort?.postMessage({ interrupts, rounds, wrong })
      interrupts = rounds = wrong = 0
      if (Math.random() < 0.005) process.exit(7)
    }
  }
}

parentPort?.on('message', () => process.exit(0))
main()
