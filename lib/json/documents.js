'use strict'

// Results that are JSON: short ones are parsed when they arrive, others arrive in parts and are built in slices.

const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { Reservation } = require('../native/reservation')
const { loopScheduler } = require('../native/shared')
const { Priority } = require('../internal/loop-scheduler')
const { JsonBuilder } = require('./builder')

/** @typedef {import('../native/completion-port').Listener} Listener */

/** By task. @type {Map<number, JsonBuilder>} */
const builders = new Map()

/**
 * Adds a part of a large value. The id of the task stays in use until the value is built.
 * @param {number} taskId
 * @param {Listener} listener
 * @param {number} budget milliseconds of a slice
 * @param {boolean} isLast
 * @param {Buffer} text
 * @param {Buffer} plan
 */
function addPart(taskId, listener, budget, isLast, text, plan) {
  const builder = builders.get(taskId) ?? startBuilder(taskId, listener, budget)
  builder.add(text, plan, isLast)
  // Native code has released the task's reservation: the remaining text still counts for the pool.
  const { pool } = listener
  if (isLast && pool !== undefined && listener.isSettled !== true) {
    builder.reservation = new Reservation(native.retainReservation(pool.handle, builder.bytesLeft))
  }
  loopScheduler.schedule(builder, Priority.Json)
}

/**
 * @param {number} taskId
 * @param {Listener} listener
 * @param {number} budget
 */
function startBuilder(taskId, listener, budget) {
  /** @type {(value: unknown, failure: import('../internal/errors').SerializedFailure | undefined) => void} */
  const onDone = (value, failure) => {
    builders.delete(taskId)
    builder.reservation?.release()
    completionPort.release(taskId)
    listener.settle?.(value, failure, taskId)
  }
  const builder = new JsonBuilder(budget, () => listener.isSettled !== true, onDone)
  builders.set(taskId, builder)
  return builder
}

/** Drops the value of a task that failed or was cancelled. @param {number} taskId */
function discard(taskId) {
  if (builders.size === 0) return
  builders.get(taskId)?.discard()
  builders.delete(taskId)
}

completionPort.registerDecoder('jsonText', JSON.parse)
completionPort.registerPartsDecoder({ addPart, discard })
