'use strict'

const { addAbortListener } = require('node:events')
const { nextTick } = require('./clock')

/**
 * @typedef {{ abort(reason: unknown): void }} Abortable work that a signal ends
 * @typedef {{ tasks: Set<Abortable>, subscription: Disposable }} Watch
 */

/**
 * One listener per signal serves all its tasks and is removed with the last one, so that a signal that lives as long as the
 * server accumulates neither listeners nor warnings. The entry is deleted then too: it refers to its own key, and a collection
 * of the nursery frees neither.
 * @type {WeakMap<AbortSignal, Watch>}
 */
const watches = new WeakMap()

/**
 * Calls `task.abort(signal.reason)` once when the signal aborts, unless `unwatch` comes first.
 * The caller has checked that the signal is not aborted yet.
 * @param {AbortSignal} signal
 * @param {Abortable} task
 */
function watch(signal, task) {
  let watch = watches.get(signal)
  if (watch === undefined) {
    // An earlier listener could stop the event before it reached an ordinary one, but not one of `addAbortListener`.
    watch = { tasks: new Set(), subscription: addAbortListener(signal, () => abortAll(signal)) }
    watches.set(signal, watch)
  }
  watch.tasks.add(task)
}

/**
 * @param {AbortSignal} signal
 * @param {Abortable} task
 */
function unwatch(signal, task) {
  const watch = watches.get(signal)
  if (!watch?.tasks.delete(task) || watch.tasks.size > 0) return
  watches.delete(signal)
  try {
    watch.subscription[Symbol.dispose]()
  } catch (error) {
    // Only a user-defined signal throws here. Its task settles regardless.
    throwLater(error)
  }
}

/** @param {AbortSignal} signal */
function abortAll(signal) {
  const tasks = watches.get(signal)?.tasks
  if (tasks === undefined) return
  watches.delete(signal)
  for (const task of tasks) {
    try {
      task.abort(signal.reason)
    } catch (error) {
      // A listener that throws must not affect the others.
      throwLater(error)
    }
  }
}

/** Throws an error outside our own code, as Node does with errors of event listeners. @param {unknown} error */
function throwLater(error) {
  nextTick(() => {
    throw error
  })
}

module.exports = { watch, unwatch }
