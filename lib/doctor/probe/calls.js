'use strict'

// Calls to other services: counts calls that are identical to one in flight, and requests that make similar calls in sequence.

const { now } = require('../../internal/clock')
const { excerpt } = require('./call-text')
const { KeySample } = require('./key-sample')

/**
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('./call-text').Description} Description
 *
 * A fact with the number of duplicates that calls at independent times would have had.
 * @typedef {import('../facts').DownstreamFact & { chance: number }} DownstreamFact
 */

const MAX_GROUPS = 256
/** Maximum number of groups whose templates differ only in their last part. Further such templates share one group. */
const FAMILY = 24
const MAX_HASHES = 4096
/**
 * Minimum number of similar calls of a request that form a series, and maximum pauses between them, in milliseconds: between identical
 * calls, which may be a poll, and between others, which may alternate with other calls.
 */
const SERIES = 10
const PAUSE_OF_EQUAL = 20
const PAUSE = 200
/** Time after which a call is taken as lost, in milliseconds. */
const LOST = 30_000
/** Duplicates, and their share, of a call that gets a fact besides that of its template. */
const HOT = 20
const HOT_SHARE = 0.2
const MAX_HOT = 16

/** Equal calls. */
class Equal {
  calls = 0
  duplicates = 0
  concurrent = 0
  active = 0
  /** When the first and the last of the active calls began. */
  since = 0
  last = 0
  /** Time with active calls. */
  busy = 0
  /** Counts how often lost calls were forgotten. */
  round = 0

  /** Excerpt, once a call is a duplicate. */
  call = ''

  /** @param {number} hash */
  constructor(hash) {
    this.hash = hash
  }
}

/** Calls of a template to one target. */
class Group {
  calls = 0
  duplicates = 0
  concurrent = 0
  total = 0
  /** Bytes of the answers, where they are known. */
  received = 0
  /** Duplicates to expect by chance among the calls whose hashes were dropped. */
  chance = 0
  sequential = 0
  sequentialRequests = 0
  /** Stacks of calls that are not duplicates, of duplicates, and of series. @type {Capture} */
  any = { seen: 0, frames: [] }
  /** @type {Capture} */
  repeated = { seen: 0, frames: [] }
  /** @type {Capture} */
  series = { seen: 0, frames: [] }
  /** @type {Map<number, Equal>} */
  equals = new Map()
  keys = new KeySample()

  /**
   * @param {number} id
   * @param {string} kind
   * @param {string} target
   * @param {Description} description of the first call
   */
  constructor(id, kind, target, { text, access }) {
    this.id = id
    this.kind = kind
    this.target = target
    this.call = excerpt(text)
    this.access = access
  }
}

/**
 * @typedef {{ seen: number, frames: FactFrame[] }} Capture
 * @typedef {{ groups: Map<string, Group>, families: Map<string, number> }} Templates
 *
 * Calls of a request in one group.
 * @typedef {{ active: number, count: number, ended: number, hash: number | undefined }} Series
 *
 * A request. A pool of connections may call in the context of one that is over.
 * @typedef {{ isOver: boolean, series?: Record<number, Series> }} RequestContext
 *
 * @typedef {object} Call
 * @property {Group} group
 * @property {number | undefined} key hash, undefined if the arguments are unknown or the call writes
 * @property {Equal | undefined} equal
 * @property {number} round
 * @property {number} began
 * @property {boolean} isDuplicate
 * @property {number} concurrent
 * @property {Series | undefined} series
 */

class Calls {
  /** @type {Group[]} */
  #groups = []
  /** Groups by template, and numbers of groups by family, by client and target. @type {Map<string, Templates>} */
  #targets = new Map()
  #hashes = 0
  #began = now()

  /**
   * Begins a call. Returns `undefined` if its template is new and the table of groups is full.
   * @param {{ kind: string, target: string, hash: number | undefined, description: Description }} what `hash` is undefined if the
   *   arguments are unknown
   * @param {RequestContext | undefined} context of the request that makes the call
   * @param {() => FactFrame[]} capture returns the stack
   * @returns {Call | undefined}
   */
  begin({ kind, target, hash, description }, context, capture) {
    const group = this.#groupOf(kind, target, description)
    if (group === undefined) return undefined
    const began = now()
    const key = description.access === 'write' ? undefined : hash
    const equal = key === undefined ? undefined : this.#equalOf(group, key)
    const call = { group, key, equal, round: 0, began, isDuplicate: false, concurrent: 1, series: undefined }
    if (equal !== undefined) enter(equal, call)
    take(call.isDuplicate ? group.repeated : group.any, capture)
    if (equal !== undefined && call.isDuplicate && equal.call === '') equal.call = excerpt(description.text)
    if (context?.isOver === false && !description.isPaged) follow(context, call, hash, capture)
    return call
  }

  /**
   * Counts bytes of the answers to calls like this one.
   * @param {Call} call
   * @param {number} bytes
   */
  received({ group }, bytes) {
    group.received += bytes
  }

  /** Ends a call that was answered. @param {Call} call */
  end(call) {
    const { group, key, equal } = call
    const ended = now()
    group.calls++
    if (key !== undefined) group.keys.count(key, call.began, call.isDuplicate)
    group.total += ended - call.began
    if (call.isDuplicate) group.duplicates++
    if (call.concurrent > group.concurrent) group.concurrent = call.concurrent
    if (call.series !== undefined) {
      call.series.active--
      call.series.ended = ended
    }
    if (equal === undefined) return
    equal.calls++
    if (call.isDuplicate) equal.duplicates++
    if (call.concurrent > equal.concurrent) equal.concurrent = call.concurrent
    leave(equal, call, ended)
  }

  /** Forgets a call that will have no answer. @param {Call} call */
  drop(call) {
    if (call.series !== undefined) call.series.active--
    if (call.equal !== undefined) leave(call.equal, call, now())
  }

  /** Drops the hashes of rare calls, once half of the table is in use. */
  sample() {
    if (this.#hashes < MAX_HASHES / 2) return
    const elapsed = now() - this.#began
    for (const group of this.#groups) {
      for (const [hash, equal] of group.equals) {
        if (equal.active > 0 || equal.duplicates > 0 || equal.calls > 8) continue
        group.chance += chanceOf(equal, elapsed)
        group.equals.delete(hash)
        this.#hashes--
      }
    }
  }

  /** @returns {DownstreamFact[]} */
  facts() {
    const elapsed = now() - this.#began
    return this.#groups.filter(group => group.calls > 0).flatMap(group => factsOf(group, elapsed))
  }

  /**
   * @param {string} kind
   * @param {string} target
   * @param {Description} description
   */
  #groupOf(kind, target, description) {
    const name = `${kind} ${target}`
    const { groups, families } = this.#targets.get(name) ?? { groups: new Map(), families: new Map() }
    const { family } = description
    const size = family === undefined ? 0 : (families.get(family) ?? 0)
    const template = family !== undefined && size >= FAMILY ? family : description.template
    const known = groups.get(template)
    if (known !== undefined || this.#groups.length === MAX_GROUPS) return known
    const group = new Group(this.#groups.length, kind, target, description)
    this.#groups.push(group)
    this.#targets.set(name, { groups: groups.set(template, group), families })
    if (family !== undefined) families.set(family, size + 1)
    return group
  }

  /**
   * @param {Group} group
   * @param {number} hash
   */
  #equalOf(group, hash) {
    const known = group.equals.get(hash)
    if (known !== undefined || this.#hashes === MAX_HASHES) return known
    const equal = new Equal(hash)
    group.equals.set(hash, equal)
    this.#hashes++
    return equal
  }
}

/**
 * @param {Equal} equal
 * @param {Call} call
 */
function enter(equal, call) {
  if (equal.active > 0 && call.began - equal.last > LOST) {
    equal.active = 0
    equal.round++
  }
  if (equal.active === 0) equal.since = call.began
  call.isDuplicate = equal.active > 0
  call.round = equal.round
  call.concurrent = ++equal.active
  equal.last = call.began
}

/**
 * @param {Equal} equal
 * @param {Call} call
 * @param {number} ended
 */
function leave(equal, call, ended) {
  if (equal.round === call.round && --equal.active === 0) equal.busy += ended - equal.since
}

/**
 * Counts the calls that a request makes in a series.
 * @param {RequestContext} context
 * @param {Call} call
 * @param {number | undefined} hash
 * @param {() => FactFrame[]} capture
 */
function follow(context, call, hash, capture) {
  const { group, began } = call
  const { series: all = Object.create(null) } = context
  context.series = all
  const series = all[group.id] ?? { active: 0, count: 0, ended: began, hash: undefined }
  all[group.id] = series
  call.series = series
  if (series.active++ > 0) return
  const isEqual = hash !== undefined && hash === series.hash
  if (began - series.ended > (isEqual ? PAUSE_OF_EQUAL : PAUSE)) series.count = 0
  series.count++
  series.hash = hash
  if (series.count > group.sequential && series.count >= SERIES) group.sequential = series.count
  if (series.count !== SERIES) return
  group.sequentialRequests++
  take(group.series, capture)
}

/**
 * Takes the stack at doubling counts until it has a line of the program.
 * @param {Capture} taken
 * @param {() => FactFrame[]} capture
 */
function take(taken, capture) {
  const count = ++taken.seen
  if ((count & (count - 1)) !== 0 || taken.frames.some(frame => frame.isUser)) return
  taken.frames = capture()
}

/**
 * Returns how many calls would have been duplicates if they began at independent times.
 * @param {Equal} equal
 * @param {number} elapsed
 */
function chanceOf({ calls, busy }, elapsed) {
  return elapsed > 0 ? calls * Math.min(1, busy / elapsed) : 0
}

/**
 * @param {Group} group
 * @param {number} elapsed
 * @returns {DownstreamFact[]}
 */
function factsOf(group, elapsed) {
  const { kind, target, access, calls, duplicates, concurrent, total, received } = group
  const { sequential, sequentialRequests, any, repeated, series } = group
  const equals = [...group.equals.values()].sort((one, other) => other.calls - one.calls)
  const worst = equals.reduce(
    (/** @type {Equal | undefined} */ most, it) => (it.duplicates > (most?.duplicates ?? 0) ? it : most),
    undefined
  )
  const chance = equals.reduce((sum, equal) => sum + chanceOf(equal, elapsed), group.chance)
  const meanDuration = total / calls
  const common = {
    kind,
    target,
    access,
    meanDuration,
    meanAnswer: received / calls,
    frames: repeated.frames.length > 0 ? repeated.frames : any.frames,
    sequential: 0,
    sequentialRequests: 0
  }
  const isOneLine = repeated.frames.length === 0 || lineOf(repeated.frames) === lineOf(series.frames)
  const ofSeries = { sequential, sequentialRequests, ...(series.frames.length > 0 ? { frames: series.frames } : {}) }
  const all = {
    ...common,
    call: worst === undefined ? group.call : worst.call,
    calls,
    duplicates,
    concurrent,
    ...group.keys.facts(elapsed),
    chance
  }
  /** @type {DownstreamFact[]} */
  const facts = [isOneLine ? { ...all, ...ofSeries } : all]
  if (!isOneLine && sequentialRequests > 0) {
    facts.push({ ...all, ...ofSeries, call: group.call, duplicates: 0, concurrent: 0, hashes: {}, chance: 0 })
  }
  if (duplicates >= HOT_SHARE * calls) return facts
  const hot = equals.filter(equal => equal.duplicates >= HOT && equal.duplicates >= HOT_SHARE * equal.calls)
  return facts.concat(
    hot.slice(0, MAX_HOT).map(equal => {
      const { call, calls, duplicates, concurrent } = equal
      return { ...common, call, calls, duplicates, concurrent, hashes: {}, chance: chanceOf(equal, elapsed) }
    })
  )
}

/** @param {FactFrame[]} frames */
function lineOf(frames) {
  const frame = frames.find(({ isUser }) => isUser) ?? frames[0]
  return frame && `${frame.file}:${frame.line}`
}

module.exports = { Calls }
