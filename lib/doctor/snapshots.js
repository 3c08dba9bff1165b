'use strict'

// Decides of which heaps to take snapshots, which stop their processes.

const { existsSync } = require('node:fs')

/** @typedef {import('./settings').Heaps} Heaps */

/** Size in bytes above which a snapshot takes too long. */
const LARGEST = 150e6
/** Growth above which memory seems to grow: as a factor, and in bytes for the heap and for the memory outside of it. */
const SHARE = 1.15
const BYTES = 2e6
const EXTERNAL = 4e6

/**
 * Returns the heaps of which to take snapshots.
 * @param {'auto' | 'off' | 'always'} mode
 * @param {any[][]} messages of each process
 * @returns {Heaps}
 */
function heapsOf(mode, messages) {
  const measured = messages.filter(list => list.some(({ type }) => type === 'measure'))
  const pids = (/** @type {any[][]} */ lists) => lists.map(([{ pid }]) => pid)
  if (mode === 'always') return { processes: pids(measured) }
  // The workers of a cluster grow alike, even if only some of them seem to grow.
  const growing = new Set(measured.filter(seemsToGrow).map(([{ script }]) => script))
  const chosen = mode === 'off' ? [] : measured.filter(([{ script }]) => growing.has(script))
  // Each process compares its heap with the size.
  return { processes: pids(chosen), largest: LARGEST }
}

/**
 * Returns whether the heap of a process seems to grow, or the memory outside of it, such as that of Buffers which a container holds.
 * @param {any[]} messages of a process
 */
function seemsToGrow(messages) {
  const rows = messages.filter(({ type }) => type === 'row').map(({ row }) => row)
  if ((rows.at(-1)?.heapUsed ?? 0) > LARGEST) return false
  return (
    grows(
      rows.map(({ heapUsed }) => heapUsed),
      BYTES
    ) ||
    grows(
      rows.map(({ external }) => external),
      EXTERNAL
    )
  )
}

/**
 * Returns whether a size grows, by its smallest value in each third of the measurement up to now.
 * @param {number[]} sizes
 * @param {number} least growth in bytes
 */
function grows(sizes, least) {
  const part = Math.floor(sizes.length / 3)
  if (part === 0) return false
  const [first, middle, last] = [sizes.slice(0, part), sizes.slice(part, -part), sizes.slice(-part)].map(leastOf)
  return first < middle && middle < last && last > first * SHARE && last > first + least
}

/** @param {number[]} values */
function leastOf(values) {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
}

/**
 * Returns the paths of the two snapshots of a process, if both were written.
 * @param {any[]} messages of a process
 * @returns {[before: string, after: string] | undefined}
 */
function snapshotsOf(messages) {
  const paths = messages.filter(({ type, path }) => type === 'snapshot' && existsSync(path)).map(({ path }) => path)
  return paths.length < 2 ? undefined : [paths[0], paths[1]]
}

module.exports = { heapsOf, snapshotsOf }
