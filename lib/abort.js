'use strict'

const { addAbortListener } = require('node:events')

/**
 * @typedef {{ abort(reason: unknown): void }} Abortable something that a signal ends
 * @typedef {{ tasks: Set<Abortable>, listener: () => void, subscription: Disposable | undefined }} Watch
 */

/**
 * One listener per signal serves all its tasks, and is there only while there are any: a signal that lives as long
 * as the server collects neither listeners nor warnings.
 * @type {WeakMap<AbortSignal, Watch>}
 */
const watches = new WeakMap()

/**
 * Calls `task.abort(signal.reason)` once when the signal aborts, unless `unwatch` comes first.
 * The caller has seen that the signal is not aborted yet.
 * @param {AbortSignal} signal
 * @param {Abortable} task
 */
function watch(signal, task) {
  let watch = watches.get(signal)
  if (watch === undefined) {
    watch = { tasks: new Set(), listener: () => abortAll(signal), subscription: undefined }
    watches.set(signal, watch)
  }
  // Not a listener like any other: those before it could keep the event from it.
  if (watch.tasks.size === 0) watch.subscription = addAbortListener(signal, watch.listener)
  watch.tasks.add(task)
}

/**
 * @param {AbortSignal} signal
 * @param {Abortable} task
 */
function unwatch(signal, task) {
  const watch = watches.get(signal)
  if (watch?.tasks.delete(task) && watch.tasks.size === 0) watch.subscription?.[Symbol.dispose]()
}

/** @param {AbortSignal} signal */
function abortAll(signal) {
  const tasks = watches.get(signal)?.tasks
  if (tasks === undefined) return
  const aborted = [...tasks]
  tasks.clear()
  for (const task of aborted) task.abort(signal.reason)
}

module.exports = { watch, unwatch }
