'use strict'

// Counts the messages to other processes, their bytes, and the time that this process takes to serialize and write them.

const { ChildProcess } = require('node:child_process')
const { isProxy } = require('node:util/types')
const { now } = require('../../internal/clock')
const { replace } = require('./replace')
const { Sites } = require('./sites')

/** Prefix of the messages of Node.js itself, such as those that distribute the connections of a cluster. */
const INTERNAL = 'NODE_'
/** Number of bytes or messages between two captured stacks: a capture costs about 10 µs. */
const BETWEEN = { bytes: 1 << 20, messages: 256 }
const { getOwnPropertyDescriptor } = Object
const NOTHING = { messages: 0, bytes: 0, time: 0 }

let total = { ...NOTHING }
/** Totals when the last stack was captured. */
let last = { ...NOTHING }
/**
 * Lines that send messages, with the number of stacks captured at each.
 * @type {Sites<{ count: number, frames: import('../facts').FactFrame[] }>}
 */
let lines = new Sites()
let isMeasuring = false

/** Observes the messages that are sent to a process. @param {any} subject `process` or a `ChildProcess` */
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
        count(now() - began, written(subject) - before, wrapper)
      }
    }
  })
}

/**
 * Counts a message.
 * @param {number} time
 * @param {number} bytes
 * @param {Function} wrapper
 */
function count(time, bytes, wrapper) {
  total.messages++
  total.time += time
  total.bytes += bytes
  if (isDue()) record(wrapper)
}

/** Returns whether the next stack is due. */
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

/** Returns whether a message is one of Node.js. Calls no accessor of the program. @param {any} message */
function isInternal(message) {
  if (typeof message !== 'object' || message === null || isProxy(message)) return false
  const cmd = getOwnPropertyDescriptor(message, 'cmd')?.value
  return typeof cmd === 'string' && cmd.startsWith(INTERNAL)
}

/** Returns the number of bytes written to the channel of a process, or 0 if the channel is closed. @param {any} subject */
function written(subject) {
  const key = Object.getOwnPropertySymbols(subject).find(({ description }) => description === 'kChannelHandle')
  return (key && subject[key]?.bytesWritten) ?? 0
}

function reset() {
  total = { ...NOTHING }
  last = { ...NOTHING }
  lines = new Sites()
}

/** Observes the messages to the parent process and to child processes. */
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
      reset()
      isMeasuring = true
    },
    stop() {
      isMeasuring = false
      reset()
    },
    collect() {
      const [line] = lines.all.sort((one, other) => other.count - one.count)
      return { ipc: { ...total, frames: line?.frames ?? [] } }
    }
  }
}

module.exports = { install }
