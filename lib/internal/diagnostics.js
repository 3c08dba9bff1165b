'use strict'

// What is told about tasks, loads and stalls, to whoever subscribes. Without subscribers it is one look at a property.

const { channel, tracingChannel } = require('node:diagnostics_channel')

const tasks = tracingChannel('offloop:task')
const loads = tracingChannel('offloop:load')
const stalls = channel('offloop:stall')

/**
 * Whoever writes to a stream has to wait.
 * @param {import('node:stream').Writable} stream
 * @param {{ info: { name: string } }} pool
 * @param {{ name: string }} transform
 */
function tellStall(stream, pool, transform) {
  if (stalls.hasSubscribers) stalls.publish({ stream, pool: pool.info.name, transform: transform.name })
}

/**
 * As `tracePromise`, but what is returned or thrown at once still is: nothing may go otherwise because somebody listens.
 * @param {typeof tasks} channel
 * @param {Record<string, unknown>} told
 * @param {() => any} call
 * @param {unknown} nothing a result that is none
 */
function traceCall(channel, told, call, nothing) {
  const { start, end, asyncStart, asyncEnd, error } = channel
  const settle = () => {
    asyncStart.publish(told)
    asyncEnd.publish(told)
  }
  const done = (/** @type {unknown} */ value) => {
    if (value !== nothing) told.result = value
    settle()
    return value
  }
  return start.runStores(told, () => {
    let value
    try {
      value = call()
    } catch (thrown) {
      told.error = thrown
      error.publish(told)
      end.publish(told)
      throw thrown
    }
    end.publish(told)
    if (typeof value?.then !== 'function') return done(value)
    return Promise.resolve(value).then(done, reason => {
      told.error = reason
      error.publish(told)
      settle()
      throw reason
    })
  })
}

module.exports = { tasks, loads, tellStall, traceCall }
