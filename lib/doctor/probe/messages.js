'use strict'

// Messages between processes: their number, their bytes, and the time in which this process serializes and writes them.

const { ChildProcess } = require('node:child_process')
const { now } = require('../../internal/clock')
const { replace } = require('./replace')
const { Sites } = require('./sites')

/** Messages of Node.js itself, such as the connections that a cluster distributes. */
const INTERNAL = 'NODE_'
/** Bytes and messages between two stacks: each costs about 10 µs. */
const BETWEEN = { bytes: 1 << 20, messages: 256 }
const NOTHING = { messages: 0, bytes: 0, time: 0 }

let total = { ...NOTHING }
/** Totals at the last stack. */
let last = { ...NOTHING }
/** Lines that send, by the number of their stacks. @type {Sites<{ count: number, frames: import('../facts').FactFrame[] }>} */
let lines = new Sites()
let isMeasuring = false

/** Observes the channel of a process. @param {any} subject `process` or a `ChildProcess` */
function observe(subject) {
  if (typeof subject.send !== 'function') return
  replace([[subject, 'send']], send => {
    return function wrapper(/** @type {any[]} */ ...args) {
      if (!isMeasuring || isInternal(args[0])) return Reflect.apply(send, this, args)
      const before = written(subject)
      const began = now()
      try {
        return Reflect.apply(send, this, args)
      } finally {
        total.messages++
        total.time += now() - began
        total.bytes += written(subject) - before
        if (isDue()) record(wrapper)
      }
    }
  })
}

function isDue() {
  const { bytes, messages } = BETWEEN
  return total.messages === 1 || total.bytes - last.bytes >= bytes || total.messages - last.messages >= messages
}

/** Records the stack of a message. @param {Function} wrapper */
function record(wrapper) {
  last = { ...total }
  const line = lines.find(wrapper, '', ({ frames }) => ({ count: 0, frames }))
  if (line !== undefined) line.count++
}

/** @param {any} message */
function isInternal(message) {
  return typeof message?.cmd === 'string' && message.cmd.startsWith(INTERNAL)
}

/** Returns the bytes that the channel of a process has written, 0 if it is closed. @param {any} subject */
function written(subject) {
  const key = Object.getOwnPropertySymbols(subject).find(({ description }) => description === 'kChannelHandle')
  return (key && subject[key]?.bytesWritten) ?? 0
}

/** Observes the channels to the parent and to the processes that this one starts. */
function install() {
  observe(process)
  replace([[ChildProcess.prototype, 'spawn']], spawn => {
    return function (/** @type {any[]} */ ...args) {
      const result = Reflect.apply(spawn, this, args)
      observe(this)
      return result
    }
  })
  return {
    begin() {
      total = { ...NOTHING }
      last = { ...NOTHING }
      lines = new Sites()
      isMeasuring = true
    },
    collect() {
      const [line] = lines.all.sort((one, other) => other.count - one.count)
      return { ipc: { ...total, frames: line?.frames ?? [] } }
    }
  }
}

module.exports = { install }
