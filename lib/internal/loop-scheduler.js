'use strict'

const { now, setImmediate } = require('./clock')

/**
 * Work on the loop that is done a slice at a time.
 * @typedef {object} SlicedTask
 * @property {number} slice how long (ms) it may hold the loop at most
 * @property {number} [heldBytes] bytes, about, that it holds beside its result until it is done
 * @property {() => boolean} step does a fraction of a millisecond's work; whether that was the last
 */

/**
 * What is under way; each has a turn of the loop, one after the other. There is at most one for each task that pools admitted.
 * @type {Set<SlicedTask>}
 */
const queue = new Set()
let isScheduled = false
/** The share of its slice that a task uses: its last step ends later, and V8 often collects garbage right after it. */
const BUDGET_SHARE = 0.25
/** A task that holds this many bytes keeps its turn while all tasks together hold more than `MAX_HELD_BYTES`. */
const HEAVY_BYTES = 256 << 10
const MAX_HELD_BYTES = 4 << 20

function runIteration() {
  isScheduled = false
  const start = now()
  // Whatever a step throws, the others go on.
  try {
    for (const task of queue) {
      queue.delete(task)
      if (!runUntil(task, start + task.slice * BUDGET_SHARE)) {
        requeue(task)
        return
      }
      if (now() - start >= task.slice * BUDGET_SHARE) return
    }
  } finally {
    schedule()
  }
}

function schedule() {
  if (isScheduled || queue.size === 0) return
  isScheduled = true
  setImmediate(runIteration)
}

/** Puts a task behind the others, or in front of them if all together hold too much. @param {SlicedTask} task */
function requeue(task) {
  const others = isHeavy(task) ? [...queue] : []
  if (others.length > 0) queue.clear()
  queue.add(task)
  for (const other of others) queue.add(other)
}

/** @param {SlicedTask} work */
function isHeavy({ heldBytes = 0 }) {
  if (heldBytes < HEAVY_BYTES) return false
  let sum = heldBytes
  for (const task of queue) sum += task.heldBytes ?? 0
  return sum > MAX_HELD_BYTES
}

/** @param {SlicedTask} task @param {number} end */
function runUntil(task, end) {
  while (!task.step()) {
    if (now() >= end) return false
  }
  return true
}

/** Begins in the next turn of the loop. @param {SlicedTask} task */
function runInSlices(task) {
  queue.add(task)
  schedule()
}

module.exports = { runInSlices }
