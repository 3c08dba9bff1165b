'use strict'

const { channel } = require('node:diagnostics_channel')
const { isDeepStrictEqual } = require('node:util')
const vm = require('node:vm')
const { parentPort, workerData } = require('node:worker_threads')
const { gunzipSync, gzipSync } = require('node:zlib')
const native = require('../../lib/native')
require('../../lib/native/completion-port')
const { describe, formatter, framesOf } = require('../../lib/watch/frames')
const { Requests } = require('../../lib/watch/requests')

/** Milliseconds: so short that most iterations are interrupted, and many are reported as fatal. */
const SETTINGS = { threshold: 0.2, fatal: 2, last: Infinity }
const REPORT_MS = 500
const CONNECTIONS = 50

if (Math.random() < 0.3) Object.freeze(Error)
const requests = new Requests()
requests.start()
const sockets = Array.from({ length: CONNECTIONS }, (_, index) => ({
  destroyed: false,
  parser: { incoming: null },
  _httpMessage: { req: { index }, destroyed: false }
}))
for (const socket of sockets) channel('http.server.request.start').publish({ socket })
const inFlight = () => requests.inFlight()
const functions = { errorClass: Error, descriptorOf: Object.getOwnPropertyDescriptor, formatter, describe, inFlight }
// No subscriber has this number: blocks are taken by polling.
native.startWatch(SETTINGS, 0xffff_ffff, 0, functions, requests.begun.buffer)

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
  // A lost termination would not end.
  () => {
    try {
      return vm.runInContext('for (;;);', context, { timeout: 1 + Math.floor(Math.random() * 4) })
    } catch (error) {
      return /** @type {{ code?: unknown }} */ (error).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    }
  },
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
    for (const { error, requests: moment } of block.samples) {
      if (error === null) continue
      interrupts++
      // Near the end of the stack the requests cannot be listed.
      if (moment !== null && !isWhole(/** @type {import('../../lib/watch/requests').Moment} */ (moment))) wrong++
      if (Math.random() < 0.05 && framesOf(error).some(frame => typeof frame.line !== 'number')) wrong++
    }
  }
}

/** @param {import('../../lib/watch/requests').Moment} moment */
function isWhole({ begun, inFlight }) {
  let count = 0
  for (let request = inFlight; request !== undefined; request = request.next) count++
  return begun === CONNECTIONS && count === CONNECTIONS
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
