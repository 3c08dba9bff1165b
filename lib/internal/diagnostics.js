'use strict'

// Diagnostics channels for tasks, loads and stalls. Without subscribers each costs one property read.

const { channel, tracingChannel } = require('node:diagnostics_channel')

const tasks = tracingChannel('offloop:task')
const loads = tracingChannel('offloop:load')
const stalls = channel('offloop:stall')

/**
 * Publishes that the writer of a stream has to wait.
 * @param {import('node:stream').Writable} stream
 * @param {{ info: { name?: string | undefined } }} pool
 * @param {{ name: string }} transform
 */
function publishStall(stream, pool, transform) {
  if (stalls.hasSubscribers) stalls.publish({ stream, pool: pool.info.name, transform: transform.name })
}

/**
 * Like `tracePromise`, but returns and throws synchronously if the call does: subscribers must not change behaviour.
 * @param {typeof tasks} channel
 * @param {Record<string, unknown>} context
 * @param {() => any} call
 * @param {unknown} absent a value that is not published as a result
 */
function traceCall(channel, context, call, absent) {
  const { start, end, asyncStart, asyncEnd, error } = channel
  const settle = () => {
    asyncStart.publish(context)
    asyncEnd.publish(context)
  }
  const done = (/** @type {unknown} */ value) => {
    if (value !== absent) context.result = value
    settle()
    return value
  }
  return start.runStores(context, () => {
    let value
    try {
      value = call()
    } catch (thrown) {
      context.error = thrown
      error.publish(context)
      end.publish(context)
      throw thrown
    }
    end.publish(context)
    if (typeof value?.then !== 'function') return done(value)
    return Promise.resolve(value).then(done, reason => {
      context.error = reason
      error.publish(context)
      settle()
      throw reason
    })
  })
}

module.exports = { tasks, loads, publishStall, traceCall }
