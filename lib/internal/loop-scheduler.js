'use strict'

const { now, setImmediate } = require('./clock')

/**
 * Work on the loop that is done a slice at a time.
 * @typedef {object} Sliced
 * @property {number} slice how long (ms) it may hold the loop at most
 * @property {number} [heldBytes] bytes, about, that it holds beside its result until it is done
 * @property {() => boolean} step does a fraction of a millisecond's work; whether that was the last
 */

/**
 * What is under way; each has a turn of the loop, one after the other. There is at most one for each task that pools admitted.
 * @type {Set<Sliced>}
 */
const works = new Set()
let isScheduled = false
/** Of its slice a work takes so much: the last step ends later, and V8 likes to collect right behind it. */
const SHARE = 0.25
/** A work that holds this much (bytes) keeps its turn while all works together hold more than `MANY`. */
const MUCH = 256 << 10
const MANY = 4 << 20

function turn() {
  isScheduled = false
  const start = now()
  // Whatever a step throws, the others go on.
  try {
    for (const work of works) {
      works.delete(work)
      if (!isDone(work, start + work.slice * SHARE)) {
        putBack(work)
        return
      }
      if (now() - start >= work.slice * SHARE) return
    }
  } finally {
    schedule()
  }
}

function schedule() {
  if (isScheduled || works.size === 0) return
  isScheduled = true
  setImmediate(turn)
}

/** Puts a work behind the others, or in front of them if all together hold too much. @param {Sliced} work */
function putBack(work) {
  const others = isHeavy(work) ? [...works] : []
  if (others.length > 0) works.clear()
  works.add(work)
  for (const other of others) works.add(other)
}

/** @param {Sliced} work */
function isHeavy({ heldBytes = 0 }) {
  if (heldBytes < MUCH) return false
  let sum = heldBytes
  for (const work of works) sum += work.heldBytes ?? 0
  return sum > MANY
}

/** @param {Sliced} work @param {number} end */
function isDone(work, end) {
  while (!work.step()) {
    if (now() >= end) return false
  }
  return true
}

/** Begins in the next turn of the loop. @param {Sliced} work */
function slice(work) {
  works.add(work)
  schedule()
}

module.exports = { slice }
