'use strict'

// Follows emitters with more than ten listeners of one type. Only additions are observed: the number of listeners is read from the emitter,
// so removals cost nothing.

const { EventEmitter } = require('node:events')
const { Counts, openSockets } = require('./counts')
const { installIntervals } = require('./intervals')
const { replace } = require('./replace')
const { className, excerpt, lineOf } = require('./sites')
const { siteOf } = require('./stack')

/**
 * @typedef {import('../facts').ListenerFact} ListenerFact
 * @typedef {import('../facts').Site} Site
 * @typedef {string | symbol} EventType
 * @typedef {(emitter: any, type: EventType) => number} CountOf
 */

/** Number of listeners of one type up to which an emitter is not followed. */
const USUAL = 10
/** Growth factor of the observed additions after which the next stack is captured. */
const GROWTH = 1.25
/** Number of emitters of a group that are followed from eleven listeners on; of later ones, those whose ordinal is a power of two. */
const FIRST = 8
/** Number of listeners from which the other emitters are followed. */
const MANY = 44
const MAX_FOLLOWED = 256
const MAX_GROUPS = 256
/** Maximum number of lines of an emitter. */
const MAX_LINES = 16
const { apply } = Reflect

/** A group of emitters: those of one class with more than ten listeners of one type. */
class Group {
  emitters = 0
  /** Maximum number of open sockets, each of which may have a listener. */
  sockets = 0

  /**
   * @param {ListenerFact['kind']} kind
   * @param {string} emitter
   * @param {EventType} type
   */
  constructor(kind, emitter, type) {
    this.kind = kind
    this.emitter = emitter
    this.type = excerpt(String(type))
  }
}

/** An emitter with more than ten listeners of a type. */
class Followed {
  counts = new Counts()
  /** Number of listeners at which the next stack is captured. */
  next = USUAL + 1
  /** `followed`: the number of listeners is recorded over time. `counted`: the emitter only counts for its group. */
  state = /** @type {'counted' | 'followed'} */ ('counted')
  /** Number of listeners before the first observed addition, and at the last captured stack. */
  #base = 0
  #captured = 0
  /**
   * Lines that add listeners. `weight`: number of listeners that were added up to a stack of this line, since the stack before.
   * @type {Map<string, { site: Site, weight: number }>}
   */
  #lines = new Map()

  /**
   * @param {Group} group
   * @param {object} emitter
   * @param {EventType} type
   * @param {CountOf} countOf
   */
  constructor(group, emitter, type, countOf) {
    this.group = group
    this.emitter = new WeakRef(emitter)
    this.type = type
    this.countOf = countOf
  }

  /**
   * Records the line that adds a listener.
   * @param {number} count number of listeners
   * @param {Function} wrapper
   */
  capture(count, wrapper) {
    if (this.#lines.size === 0) this.#base = this.#captured = count - 1
    this.next = Math.max(count + 1, this.#base + Math.ceil((count - this.#base) * GROWTH))
    const site = siteOf(wrapper)
    const key = lineOf(site)
    const line = this.#lines.get(key) ?? { site, weight: 0 }
    line.weight += count - this.#captured
    this.#captured = count
    if (this.#lines.has(key) || this.#lines.size < MAX_LINES) this.#lines.set(key, line)
  }

  /** Returns the line that has added the most listeners. */
  get line() {
    /** @type {{ site: Site, weight: number }[]} */
    const lines = [...this.#lines.values()]
    return lines.reduce((most, line) => (line.weight > most.weight ? line : most), { site: { frames: [] }, weight: 0 })
  }

  /** Stops following the emitter. @param {number} next number of listeners at which the emitter is followed again */
  release(next) {
    this.state = 'counted'
    this.counts = new Counts()
    this.next = next
    this.#lines.clear()
  }

  /** Returns the number of listeners, 0 if the emitter has been collected. */
  current() {
    const emitter = this.emitter.deref()
    return emitter === undefined ? 0 : safely(() => this.countOf(emitter, this.type), 0)
  }
}

/** The emitters with more than ten listeners of one type. */
class Table {
  /** @type {WeakMap<object, Followed[]>} */
  #ofEmitter = new WeakMap()
  /** @type {Map<string, Group>} */
  #groups = new Map()
  /** @type {Set<Followed>} */
  #followed = new Set()

  /**
   * Records that a listener was added to an emitter.
   * @param {ListenerFact['kind']} kind
   * @param {any} emitter
   * @param {EventType} type
   * @param {number} count number of listeners, more than ten
   * @param {CountOf} countOf
   * @param {Function} wrapper
   */
  added(kind, emitter, type, count, countOf, wrapper) {
    const it =
      this.#ofEmitter.get(emitter)?.find(other => other.type === type) ?? this.#enter(kind, emitter, type, countOf)
    if (it === undefined || count < it.next) return
    if (it.state === 'counted' && !this.#follow(it, count)) return
    it.capture(count, wrapper)
    if (it.counts.last === 0) it.counts.add(count)
  }

  /**
   * @param {ListenerFact['kind']} kind
   * @param {object} emitter
   * @param {EventType} type
   * @param {CountOf} countOf
   */
  #enter(kind, emitter, type, countOf) {
    const group = this.#group(kind, className(emitter), type)
    if (group === undefined) return undefined
    const it = new Followed(group, emitter, type, countOf)
    const known = this.#ofEmitter.get(emitter)
    if (known === undefined) this.#ofEmitter.set(emitter, [it])
    else known.push(it)
    group.emitters++
    const isSampled = group.emitters <= FIRST || (group.emitters & (group.emitters - 1)) === 0
    if (!isSampled) it.next = MANY
    return it
  }

  /**
   * @param {ListenerFact['kind']} kind
   * @param {string} emitter
   * @param {EventType} type
   */
  #group(kind, emitter, type) {
    const key = `${kind} ${emitter} ${String(type)}`
    const known = this.#groups.get(key)
    if (known !== undefined || this.#groups.size >= MAX_GROUPS) return known
    const group = new Group(kind, emitter, type)
    this.#groups.set(key, group)
    return group
  }

  /**
   * Follows an emitter. If the table is full, the emitter replaces the one with the fewest listeners, or false is returned.
   * @param {Followed} it
   * @param {number} count number of listeners of the emitter
   */
  #follow(it, count) {
    if (this.#followed.size >= MAX_FOLLOWED) {
      const least = [...this.#followed].reduce((best, other) => (other.counts.last < best.counts.last ? other : best))
      if (least.counts.last >= count) {
        it.next = count * 2
        return false
      }
      this.#release(least, least.counts.last * 2)
    }
    it.state = 'followed'
    this.#followed.add(it)
    return true
  }

  /** Stops following emitters that were garbage collected or have lost their listeners, and records the listeners of the others. */
  sample() {
    for (const it of this.#followed) {
      const count = it.current()
      if (count > USUAL) it.counts.add(count)
      else this.#release(it, Math.min(it.next, MANY))
    }
    if (this.#followed.size === 0) return
    const sockets = openSockets()
    for (const { group } of this.#followed) group.sockets = Math.max(group.sockets, sockets)
  }

  /**
   * @param {Followed} it
   * @param {number} next
   */
  #release(it, next) {
    this.#followed.delete(it)
    it.release(next)
  }

  /** Returns a fact for each line that adds listeners, with the counts of the emitter that has the most. */
  facts() {
    /** @type {Map<string, { site: Site, all: Followed[] }>} */
    const lines = new Map()
    for (const it of this.#followed) {
      const { site } = it.line
      const key = `${it.group.kind} ${it.group.type} ${lineOf(site)}`
      const line = lines.get(key) ?? { site, all: [] }
      line.all.push(it)
      lines.set(key, line)
    }
    return [...lines.values()].map(({ site, all }) => this.#fact(site, all))
  }

  /**
   * @param {Site} site
   * @param {Followed[]} all emitters to which this line has added the most listeners
   */
  #fact(site, all) {
    const { group, counts } = all.reduce((most, it) => (it.counts.last > most.counts.last ? it : most))
    const ofGroup = [...this.#followed].filter(it => it.group === group).length
    return {
      kind: group.kind,
      type: group.type,
      emitter: group.emitter,
      frames: site.frames,
      counts: counts.values(),
      emitters: Math.max(all.length, Math.round((group.emitters * all.length) / ofGroup)),
      sockets: group.sockets
    }
  }
}

let table = new Table()
let isMeasuring = false

/**
 * Returns the result of a call, or another value if the call throws: objects of the program may have getters.
 * @template T
 * @param {() => T} call
 * @param {T} otherwise
 */
function safely(call, otherwise) {
  try {
    return call()
  } catch {
    return otherwise
  }
}

/** @type {CountOf} */
function countOfEmitter(emitter, type) {
  const listeners = emitter?._events?.[type]
  return Array.isArray(listeners) ? listeners.length : 0
}

/**
 * @param {unknown} emitter
 * @param {unknown} type
 * @param {Function} wrapper
 */
function addedToEmitter(emitter, type, wrapper) {
  if (typeof type !== 'string' && typeof type !== 'symbol') return
  try {
    const count = countOfEmitter(emitter, type)
    if (count > USUAL) table.added('EventEmitter', emitter, type, count, countOfEmitter, wrapper)
  } catch {
    // A getter of the program has thrown.
  }
}

/** Observes `on`, `addListener` and `prependListener`, which `once` and `prependOnceListener` call too. */
function observeEmitters() {
  const { prototype } = EventEmitter
  const names = /** @type {const} */ (['on', 'addListener', 'prependListener'])
  return replace(
    names.map(name => [prototype, name]),
    original => {
      /**
       * @this {unknown}
       * @param {any[]} args
       */
      const wrapper = function (...args) {
        const result = apply(original, this, args)
        if (isMeasuring) addedToEmitter(this, args[0], wrapper)
        return result
      }
      return wrapper
    }
  )
}

/**
 * Returns a function that counts the listeners of an EventTarget in its internal table. Returns `undefined` if this version of Node.js has
 * no such table.
 * @returns {CountOf | undefined}
 */
function countOfTargets() {
  const target = new EventTarget()
  for (const type of ['one', 'two', 'two']) target.addEventListener(type, () => {})
  for (const symbol of Object.getOwnPropertySymbols(target)) {
    /** @type {CountOf} */
    const countOf = (it, type) => it?.[symbol]?.get?.(type)?.size ?? 0
    if (safely(() => countOf(target, 'one') === 1 && countOf(target, 'two') === 2, false)) return countOf
  }
  return undefined
}

/**
 * Observes `addEventListener`.
 * @returns {'replaced' | 'fixed' | 'unknown'}
 */
function observeTargets() {
  const countOf = countOfTargets()
  if (countOf === undefined) return 'unknown'
  return replace([[EventTarget.prototype, 'addEventListener']], original => {
    // A method like the original, which is not a constructor.
    const { wrapper } = {
      /**
       * @this {unknown}
       * @param {any[]} args
       */
      wrapper(...args) {
        const result = apply(original, this, args)
        if (isMeasuring) addedToTarget(this, args[0], countOf, wrapper)
        return result
      }
    }
    return wrapper
  })
}

/**
 * @param {unknown} target
 * @param {unknown} type
 * @param {CountOf} countOf
 * @param {Function} wrapper
 */
function addedToTarget(target, type, countOf, wrapper) {
  if (typeof type !== 'string') return
  try {
    const count = countOf(target, type)
    if (count <= USUAL) return
    const kind = target instanceof AbortSignal ? 'AbortSignal' : 'EventTarget'
    table.added(kind, target, type, count, countOf, wrapper)
  } catch {
    // A getter of the program has thrown.
  }
}

/** Observes the listeners and intervals of this thread from `begin` on. */
function install() {
  const emitters = observeEmitters()
  const targets = observeTargets()
  const intervals = installIntervals()
  /** @type {Record<string, string>} */
  const blind = {
    ...(emitters === 'replaced' ? {} : { listeners: 'EventEmitter.prototype is frozen' }),
    ...(targets === 'fixed' ? { 'abort-signals': 'EventTarget.prototype is frozen' } : {}),
    ...(targets === 'unknown'
      ? { 'abort-signals': 'this version of Node.js does not show the listeners of an EventTarget' }
      : {}),
    ...intervals.blind
  }
  return {
    begin() {
      table = new Table()
      isMeasuring = true
      intervals.begin()
    },
    sample() {
      table.sample()
      intervals.sample()
    },
    stop() {
      isMeasuring = false
      table = new Table()
      intervals.stop()
    },
    collect() {
      table.sample()
      return { listeners: table.facts(), intervals: intervals.facts(), blind }
    }
  }
}

module.exports = { install }
