'use strict'

// Finds programs with too many processes, or with processes that serve unevenly, repeat work or exchange much data, and programs that
// need more than one process.

const { groupBy, heaviest, measuredTime } = require('./groups')
const { coresOf, requestCount, residentSize, serversOf, starvedShare, utilizationOf } = require('./processes')
const { bytes, describe, duration, finding, guiltyFrame, number, percent, plural } = require('./sites')
const { largest, sum, variation } = require('./statistics')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').ProcessFacts} ProcessFacts
 * @typedef {import('../facts').DownstreamFact} DownstreamFact
 * @typedef {import('./parts').Setup} Setup
 * @typedef {import('../../../doctor').Finding} Finding
 *
 * A process, with the forks of cluster workers since its start.
 * @typedef {ProcessFacts & { forks?: ProcessFacts['starts'] }} Forking
 */

const RULE = /** @type {const} */ (7)
const rules = [
  { rule: RULE, id: 'processes', title: 'more processes than cores' },
  { rule: RULE, id: 'uneven', title: 'unevenly loaded processes' },
  { rule: RULE, id: 'repeated-work', title: 'work that each process repeats' },
  { rule: RULE, id: 'ipc', title: 'messages between processes' },
  { rule: RULE, id: 'more-threads', title: 'idle cores' }
]

/** Share of the time above which the processes starve one another. */
const STARVED = 0.1
/** Coefficient of variation of the requests per process above which they are uneven, and minimum number of requests. */
const UNEVEN = 0.5
const LEAST_REQUESTS = 1000
/** Connections per process below which chance may distribute the requests unevenly. */
const CONNECTIONS = 4
/** Utilization of the busiest process from which an uneven distribution does harm. */
const BUSY = 0.5
/** Minimum share of values that another process has fetched too, and minimum numbers of superfluous fetches: in all, and in the sample. */
const REPEATED = 0.5
const LEAST_REPEATED = 200
const LEAST_SAMPLED = 50
/** Minimum share of the requests, or else minimum rate per second, of superfluous fetches. */
const REPEATED_SHARE = 0.05
const REPEATED_RATE = 50
/** Number of possible hashes. */
const HASHES = 2 ** 53
/** Maximum number of calls for a key by a process that caches the key, and mean number if each request may need several new keys. */
const CACHED = 3
const CALLS = 1.25
/** Calls soon after an equal one: minimum number to expect without a cache, and maximum share of that number with a cache. */
const LEAST_SOON = 10
const SOON = 0.25
/** Cost from which messages are reported: bytes per second, or milliseconds per request. */
const IPC_RATE = 5e6
const IPC_TIME = 1
const LEAST_MESSAGES = 100
/** Minimum number of cores, and utilization of the only process, from which more processes would help. */
const MANY_CORES = 4
const FULL = 0.9
/** Share of the time in blocks from which the blocks should be fixed first. */
const BLOCKED = 0.2
/** Share of the requested rate of requests below which a program does not keep up. */
const REACHED = 0.95

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function judge(facts, setup) {
  return [tooMany, uneven, repeatedWork, messages, moreThreads].flatMap(rule => rule(facts, setup))
}

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function tooMany(facts, setup) {
  const servers = serversOf(facts)
  const cores = coresOf(facts)
  const starved = Math.max(starvation(servers, cores), sum(servers.map(it => starvedShare(it, setup))) / servers.length)
  if (servers.length <= Math.ceil(cores) || !(starved > STARVED)) return []
  const memory = sum(servers.map(residentSize))
  const isQuota = cores < facts.cores
  const count = Math.max(1, Math.floor(cores))
  const text =
    `${plural(servers.length, 'process')} share ${plural(cores, 'core')}${isQuota ? ' of the quota' : ''} and were starved for ` +
    `${percent(starved)} of the time; together they occupy ${bytes(memory)}.`
  return [
    finding({
      ...rules[0],
      confidence: 'certain',
      frames: forkFrames(facts),
      evidence: { text, processes: servers.length, cpus: cores, starved, memory },
      fix: `start ${plural(count, 'process')}: os.availableParallelism() returns the usable cores, os.cpus() those of the machine`,
      time: starved * setup.seconds * 1000
    })
  ]
}

/**
 * Returns the share of the time for which busy loops must have been starved, because there are too few cores.
 * @param {ProcessFacts[]} servers
 * @param {number} cores
 */
function starvation(servers, cores) {
  const busy = sum(servers.map(utilizationOf))
  return busy === 0 ? 0 : Math.max(0, busy - cores) / servers.length
}

/** Returns the stack that started the most processes. @param {Facts} facts */
function forkFrames({ processes }) {
  const all = processes.flatMap((/** @type {Forking} */ { starts, forks = [] }) => [...forks, ...starts])
  const starts = all.filter(({ kind }) => kind === 'process')
  const [most] = starts.sort((one, other) => other.starts - one.starts)
  return most?.frames ?? []
}

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function uneven(facts, setup) {
  const servers = serversOf(facts).filter(process => measuredTime(process, setup.seconds) > setup.seconds * 900)
  const counts = servers.map(requestCount)
  const spread = variation(counts)
  const isStarved = servers.some(process => starvedShare(process, setup) > STARVED)
  const isByChance = facts.load !== undefined && facts.load.connections < CONNECTIONS * servers.length
  const busiest = largest(servers.map(utilizationOf))
  if (servers.length < 2 || spread <= UNEVEN || sum(counts) < LEAST_REQUESTS || isByChance || busiest < BUSY) return []
  const text =
    `${plural(servers.length, 'process')} served ${number(Math.min(...counts))} to ${number(largest(counts))} requests; ` +
    `the busiest loop was busy for ${percent(busiest)} of the time.`
  return [
    finding({
      ...rules[1],
      // A process without a core serves less. The user's load generator may use few connections.
      confidence: isStarved ? 'possible' : facts.load === undefined ? 'likely' : 'certain',
      frames: forkFrames(facts),
      evidence: { text, requests: counts, variation: spread, busiest },
      fix: 'cluster.schedulingPolicy = cluster.SCHED_RR, no sticky balancing by address, and connections with a limited lifetime',
      time: 0
    })
  ]
}

/**
 * Finds values that several processes fetch and cache separately.
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function repeatedWork(facts, setup) {
  const servers = serversOf(facts)
  const sampled = Math.min(1, ...servers.flatMap(it => it.downstream.map(fact => fact.sampled ?? 1)))
  const loads = servers.flatMap(({ pid, downstream }) => downstream.flatMap(fact => loadsOf(pid, fact, sampled)))
  const calls = sum(loads.map(it => it.calls))
  const cache = cacheOf(servers)
  const isCached =
    cache === 'unknown' ? calls / sampled < setup.requests / 2 || calls <= loads.length * CALLS : cache === 'some'
  if (!isCached) return []
  const cached = cache === 'some' ? loads : loads.filter(it => it.calls <= CACHED)
  const shared = groupBy(cached, ({ key }) => key).filter(group => new Set(group.map(({ pid }) => pid)).size > 1)
  const superfluous = sum(shared.map(group => sum(group.map(it => it.calls)) - largest(group.map(it => it.calls))))
  const repeated = Math.round(superfluous / sampled)
  const share = sum(shared.map(group => group.length)) / Math.max(1, loads.length)
  if (superfluous < LEAST_SAMPLED || share < REPEATED) return []
  const isRare = repeated < REPEATED_SHARE * setup.requests && repeated < REPEATED_RATE * setup.seconds
  if (repeated < LEAST_REPEATED || isRare) return []
  const [{ fact }] = heaviest(
    cached,
    it => it.fact,
    () => 1
  )
  const values = Math.round(loads.length / sampled)
  const loader = guiltyFrame(fact.frames)
  const forks = forkFrames(facts)
  const text =
    `${percent(share)} of ${plural(values, 'value')} were also fetched by another process (${fact.kind}, ${fact.target}): ` +
    `${plural(servers.length, 'process')} cache the same keys${loader === undefined ? '' : `, which ${describe(loader)} fetches`}.`
  return [
    finding({
      ...rules[2],
      confidence: 'likely',
      frames: forks.length > 0 ? forks : fact.frames,
      evidence: { text, repeated, loads: values, share, processes: servers.length, call: fact.call },
      fix: 'worker threads with new Cache({ name, max, load }) share one cache; or a cache server; or route requests by key',
      time: 0
    })
  ]
}

/**
 * Returns whether the processes cache the results of their calls: a process with a cache rarely repeats a call soon.
 * @param {readonly ProcessFacts[]} servers
 * @returns {'some' | 'none' | 'unknown'}
 */
function cacheOf(servers) {
  const facts = servers.flatMap(({ downstream }) => downstream)
  const expected = sum(facts.map(fact => fact.soonByChance ?? 0))
  if (expected < LEAST_SOON) return 'unknown'
  return sum(facts.map(fact => fact.soon ?? 0)) < SOON * expected ? 'some' : 'none'
}

/**
 * Returns the keys of calls whose hashes are in the range that the samples of all processes cover.
 * @param {number} pid
 * @param {DownstreamFact} fact
 * @param {number} sampled share of all possible hashes that the sample covers
 */
function loadsOf(pid, fact, sampled) {
  return Object.entries(fact.hashes)
    .filter(([hash]) => sampled === 1 || Number.parseInt(hash, 16) <= sampled * HASHES)
    .map(([hash, calls]) => ({ pid, fact, key: `${fact.kind} ${fact.target} ${hash}`, calls }))
}

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function messages({ processes }, setup) {
  const total = (/** @type {'messages' | 'bytes' | 'time'} */ field) => sum(processes.map(({ ipc }) => ipc[field]))
  const [count, size, time] = [total('messages'), total('bytes'), total('time')]
  const rate = setup.seconds === 0 ? 0 : size / setup.seconds
  const perRequest = setup.requests === 0 ? 0 : time / setup.requests
  if (count < LEAST_MESSAGES || (rate <= IPC_RATE && perRequest <= IPC_TIME)) return []
  const [sender] = [...processes].sort((one, other) => other.ipc.bytes - one.ipc.bytes)
  const each = setup.requests === 0 ? '' : `, ${duration(perRequest)} for each request`
  const text = `${plural(count, 'message')} between processes: ${bytes(rate)} a second, serialized in ${duration(time)}${each}.`
  return [
    finding({
      ...rules[3],
      confidence: 'likely',
      frames: sender.ipc.frames,
      evidence: { text, messages: count, bytes: size, time, perRequest },
      fix: 'worker threads share memory: transfer or share buffers, and keep shared values in new Cache({ name, max })',
      time
    })
  ]
}

/**
 * @param {Facts} facts
 * @param {Setup} setup
 * @returns {Finding[]}
 */
function moreThreads(facts, setup) {
  const servers = facts.processes.filter(process => requestCount(process) > 0)
  const cores = coresOf(facts)
  const [server] = servers
  if (servers.length !== 1 || cores < MANY_CORES || sum(facts.processes.map(utilizationOf)) > 2) return []
  const utilization = utilizationOf(server)
  const blocked = sum(server.blocks.map(({ own }) => own)) / measuredTime(server, setup.seconds)
  if (utilization <= FULL || blocked >= BLOCKED) return []
  const { load } = facts
  const isBehind = load?.rate !== undefined && load.requests / setup.seconds < load.rate * REACHED
  const text =
    `One process served all requests; its loop was busy for ${percent(utilization)} of the time, in short callbacks, and ` +
    `${plural(Math.floor(cores) - 1, 'core')} were idle${isBehind ? ': it did not reach the requested rate' : ''}.`
  return [
    finding({
      ...rules[4],
      // Without a rate, autocannon saturates any server.
      confidence: isBehind ? 'likely' : 'possible',
      evidence: { text, utilization, cpus: cores, blocked },
      fix: `node:cluster or worker threads, up to ${number(Math.floor(cores))}; moving single calls to a pool helps little`,
      time: 0
    })
  ]
}

module.exports = { judge, rules }
