'use strict'

// The queue of a pool as its runners use it. Native code holds the tasks by id.

const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { MAX_BATCH } = require('./shared-memory')

/** @typedef {import('./worker-task').WorkerTask} WorkerTask */

const buffer = new Uint32Array(MAX_BATCH)

/** @param {number} id */
function taskOf(id) {
  return /** @type {WorkerTask} */ (/** @type {unknown} */ (completionPort.listener(id)))
}

/** Returns the task that came with a permit. @param {number} permit */
function firstTask(permit) {
  return taskOf(native.firstTask(permit))
}

/**
 * Takes waiting tasks under a permit.
 * @param {number} permit
 * @param {number} limit at most MAX_BATCH
 */
function takeTasks(permit, limit) {
  const count = native.takeTasks(permit, buffer, limit)
  const tasks = []
  for (let i = 0; i < count; i++) tasks.push(taskOf(buffer[i]))
  return tasks
}

/**
 * Counts tasks as ended.
 * @param {number} permit
 * @param {WorkerTask[]} tasks
 * @param {{ completed?: number, failed?: number, cancelled?: number, micros?: number }} counts
 */
function finishTasks(permit, tasks, { completed = 0, failed = 0, cancelled = 0, micros = 0 }) {
  native.finishTasks(permit, idsOf(tasks), completed, failed, cancelled, micros)
}

/**
 * Puts tasks back at their old positions.
 * @param {number} permit
 * @param {WorkerTask[]} tasks
 */
function requeueTasks(permit, tasks) {
  if (tasks.length > 0) native.requeueTasks(permit, idsOf(tasks), tasks.length)
}

/** @param {WorkerTask[]} tasks */
function idsOf(tasks) {
  const ids = tasks.length > MAX_BATCH ? new Uint32Array(tasks.length) : buffer
  for (let i = 0; i < tasks.length; i++) ids[i] = tasks[i].id
  return ids
}

module.exports = { finishTasks, firstTask, requeueTasks, takeTasks }
