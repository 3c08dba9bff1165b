'use strict'

// Computes the figures of processes that several rules need.

const { measuredTime } = require('./groups')
const { largest, sum } = require('./statistics')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('./parts').Setup} Setup
 */

/** Returns the number of requests of a process. Requests of HTTP/2 are counted only in its rows. @param {ProcessFacts} process */
function requestCount({ requests, rows }) {
  return requests.count || sum(rows.map(row => row.requests))
}

/**
 * Returns the processes that are not worker threads, which may block by design. Returns all if they are all threads: `examine` was then
 * called in them.
 * @param {ProcessFacts[]} processes
 */
function withoutThreads(processes) {
  const others = processes.filter(({ role }) => role !== 'thread')
  return others.length > 0 ? others : processes
}

/** Returns the starved time of a process, in milliseconds. @param {ProcessFacts} process */
function starvedTime({ rows, loop }) {
  // The starved time of a row is the sum since the start.
  const [first] = rows
  const last = rows.at(-1)
  if (first !== undefined && last !== undefined && first !== last) return Math.max(0, last.starved - first.starved)
  return loop?.starved ?? 0
}

/**
 * Returns the share of the time for which a process was starved.
 * @param {ProcessFacts} process
 * @param {Setup} setup
 */
function starvedShare(process, { seconds }) {
  const time = measuredTime(process, seconds)
  return time === 0 ? 0 : Math.min(1, starvedTime(process) / time)
}

/** Returns the share of the time in which the loop of a process was busy, including starved time. @param {ProcessFacts} process */
function utilizationOf({ rows, loop }) {
  if (rows.length === 0) return loop?.utilization ?? 0
  return sum(rows.map(({ utilization }) => utilization)) / rows.length
}

/** Returns the cores that the program may use. @param {Facts} facts */
function coresOf({ quota, cores }) {
  return quota === undefined ? cores : Math.min(quota, cores)
}

/**
 * Returns the share of the available processor time that the program's own processes used.
 * @param {Facts} facts
 * @param {Setup} setup
 */
function ownShare(facts, setup) {
  const busy = facts.processes.map(process => Math.max(0, utilizationOf(process) - starvedShare(process, setup)))
  // The threads beside the loop count too.
  const used = sum(facts.processes.map(({ processorTime }) => processorTime)) / (setup.seconds * 1000)
  return Math.min(1, Math.max(sum(busy), used || 0) / coresOf(facts))
}

/**
 * Returns the processes that serve the same requests: the workers of a cluster, or the processes of one script.
 * @param {Facts} facts
 */
function serversOf({ processes }) {
  const workers = processes.filter(({ role }) => role === 'cluster worker')
  if (workers.length > 0) return workers
  const servers = processes.filter(process => process.role === 'process' && requestCount(process) > 0)
  return servers.filter(({ script }) => script === servers[0].script)
}

/** Returns the maximum resident size of a process, in bytes. @param {ProcessFacts} process */
function residentSize({ rows }) {
  return largest(rows.map(({ rss }) => rss))
}

module.exports = {
  coresOf,
  ownShare,
  requestCount,
  residentSize,
  serversOf,
  starvedShare,
  starvedTime,
  utilizationOf,
  withoutThreads
}
