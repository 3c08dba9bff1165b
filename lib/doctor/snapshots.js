'use strict'

// Decides whether to take heap snapshots, which stop the program.

/** Size in bytes above which a snapshot takes too long. */
const LARGEST = 150e6
/** Growth above which the heap seems to grow: as a factor, and in bytes. */
const SHARE = 1.15
const BYTES = 2e6

/**
 * Returns whether the heap of a process seems to grow, by its smallest size in each third of the measurement up to now.
 * @param {any[]} messages of a process
 */
function seemsToGrow(messages) {
  const sizes = messages.filter(({ type }) => type === 'row').map(({ row }) => row.heapUsed)
  const part = Math.floor(sizes.length / 3)
  if (part === 0 || (sizes.at(-1) ?? 0) > LARGEST) return false
  const [first, middle, last] = [sizes.slice(0, part), sizes.slice(part, -part), sizes.slice(-part)].map(leastOf)
  return first < middle && middle < last && last > first * SHARE && last > first + BYTES
}

/** @param {number[]} values */
function leastOf(values) {
  return Math.min(...values)
}

/**
 * Returns the paths of the two snapshots of a process, if both were written.
 * @param {any[]} messages of a process
 * @returns {[before: string, after: string] | undefined}
 */
function snapshotsOf(messages) {
  const paths = messages.filter(({ type }) => type === 'snapshot').map(({ path }) => path)
  return paths.length < 2 ? undefined : [paths[0], paths[1]]
}

module.exports = { seemsToGrow, snapshotsOf }
