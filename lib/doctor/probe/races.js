'use strict'

// Loads that race: several callers miss a key of a Map, wait, and each sets its own value. An absence of a key lasts from its first miss
// or its deletion until the next set. A slot counts the misses in an absence and, after that set, the callers that may still overwrite
// the value. A caller that misses and sets a key in the same tick, such as one that stores a promise or increments a counter, does not
// race. A tick ends once the microtasks queued before its first miss or deletion have run.

const { now } = require('../../internal/clock')
const { Mark } = require('./map-mark')
const { RaceLines } = require('./race-lines')
const { Slot } = require('./slot')

const SLOTS = 8192
/** Maximum length of a followed key: the table keeps its keys alive. */
const LONGEST_KEY = 256
/** Time after the first set in which others may set the key: multiple of the duration of the first load, and bounds in milliseconds. */
const TIMES = 4
const LEAST = 25
const MOST = 10_000
/** Extension of that time at each further set: share of that duration, and minimum in milliseconds. Callers may hold the loop in turn. */
const NEXT = 0.5
const LEAST_NEXT = 100
/** Time by which loads of equal length may differ, in milliseconds. */
const SLACK = 5
/** Time after the first miss at which an absence is forgotten, in milliseconds. */
const FORGOTTEN = 30_000
/** Slots that a sample looks at. */
const SWEPT = SLOTS / 8

const uncurried =
  /** @type {<This, Args extends unknown[], R>(method: (this: This, ...args: Args) => R) => (it: This, ...args: Args) => R} */ (
    method => Function.prototype.call.bind(/** @type {any} */ (method))
  )
/** @typedef {Map<unknown, unknown>} AnyMap */
const prototype = /** @type {AnyMap} */ (Map.prototype)
const original = {
  get: uncurried(prototype.get),
  has: uncurried(prototype.has),
  set: uncurried(prototype.set),
  delete: uncurried(prototype.delete),
  clear: uncurried(prototype.clear)
}
const then = uncurried(Promise.prototype.then)
const settled = Promise.resolve()
const { isExtensible } = Object

/** @type {Slot[]} */
let slots = []
let isMeasuring = false
let tick = 1
let isTickOpen = false
/** Time of the first miss of the tick, in whole milliseconds. */
let clock = 0
let swept = 0
let lines = new RaceLines()

/** Returns the time in whole milliseconds. */
function time() {
  return now() | 0
}

function endTick() {
  isTickOpen = false
  tick++
}

/** Ends the tick after the current synchronous run. */
function beginTick() {
  if (isTickOpen) return
  isTickOpen = true
  clock = time()
  then(settled, endTick)
}

/** Returns the slot of a key, or -1 for one that is not followed. @param {unknown} key */
function indexOf(key) {
  if (typeof key === 'number') return (key ^ (key >> 13)) & (SLOTS - 1)
  if (typeof key !== 'string') return -1
  const length = key.length
  if (length < 3) return length === 0 ? -1 : (key.charCodeAt(0) * 61 + key.charCodeAt(length - 1)) & (SLOTS - 1)
  if (length > LONGEST_KEY) return -1
  // Keys of a program differ at the end most.
  const end = key.charCodeAt(length - 1) + key.charCodeAt(length - 2) * 31 + key.charCodeAt(length - 3) * 961
  return (end + key.charCodeAt(length >> 1) * 59 + length * 7) & (SLOTS - 1)
}

/**
 * Returns the slot of a key if it follows that key of the Map.
 * @param {unknown} map
 * @param {unknown} key
 */
function slotOf(map, key) {
  const index = indexOf(key)
  if (index === -1) return undefined
  const slot = slots[index]
  return slot.map !== undefined && slot.key === key && slot.map === Mark.identity(map) ? slot : undefined
}

/**
 * Records a miss.
 * @param {AnyMap} map
 * @param {unknown} key
 * @param {boolean} isGet
 * @param {Function} wrapper
 */
function missed(map, key, isGet, wrapper) {
  const index = indexOf(key)
  if (index === -1) return
  if (Mark.identity(map) === undefined) {
    if (!isExtensible(map)) return
    new Mark(map)
  }
  const identity = /** @type {NonNullable<Slot['map']>} */ (Mark.identity(map))
  beginTick()
  const slot = slots[index]
  if (slot.map !== identity || slot.key !== key) slot.claim(identity, key, clock)
  else if (slot.state !== 'absent') beginAbsence(map, slot)
  if (slot.tick !== tick) {
    slot.earlier += slot.latest
    slot.byHas = slot.byGet = 0
    slot.tick = tick
  }
  if (isGet) slot.byGet++
  else slot.byHas++
  lineOf(map)?.missed(wrapper)
}

/**
 * Begins another absence of a key, whose earlier callers may still set it.
 * @param {AnyMap} map
 * @param {Slot} slot
 */
function beginAbsence(map, slot) {
  beginTick()
  const wasAbsent = slot.state === 'absent'
  const isCut = !wasAbsent && clock <= slot.due
  // These callers are counted with those of the new absence instead.
  if (isCut && slot.isExpected) lineOf(map)?.expect(-slot.open)
  // Those of still earlier absences may come too.
  const earlier = wasAbsent && clock <= slot.pendingUntil ? slot.pending : 0
  const open = wasAbsent || isCut ? slot.open : 0
  const until = wasAbsent ? limit(slot.began, clock) : slot.until
  slot.pendingUntil = earlier > 0 ? Math.max(slot.pendingUntil, until) : until
  slot.start(clock)
  slot.pending = earlier + open
  slot.tick = 0
}

/**
 * Returns until when callers of an absence may set the key.
 * @param {number} began
 * @param {number} at when it was set or deleted
 */
function limit(began, at) {
  return at + Math.min(MOST, Math.max(LEAST, TIMES * (at - began)))
}

/**
 * Records that a key with misses is set.
 * @param {AnyMap} map
 * @param {Slot} slot
 * @param {unknown} value
 */
function willSet(map, slot, value) {
  const isPresent = original.has(map, slot.key)
  if (slot.state === 'deleted' && slot.tick === tick && !isPresent) {
    // `delete` and `set` in one tick: an LRU cache moves a key to the end of the Map, or a value is replaced.
    slot.state = 'set'
    const { old } = slot
    slot.old = undefined
    return Object.is(old, value) ? undefined : setAgain(map, slot, old, value)
  }
  if (slot.state === 'deleted') beginAbsence(map, slot)
  if (slot.state === 'set') return isPresent ? setAgain(map, slot, original.get(map, slot.key), value) : slot.free()
  // The key was present with the value `undefined`, or was set by a method that is not observed.
  if (isPresent) return slot.free()
  setFirst(map, slot)
}

/**
 * Ends an absence.
 * @param {AnyMap} map
 * @param {Slot} slot
 */
function setFirst(map, slot) {
  const isOwn = slot.tick === tick && slot.latest > 0
  // `delete` and `set` in one run replace a value: earlier callers may still set the key.
  const isReplaced = slot.pending > 0 && slot.deleted === tick
  const isStale = slot.pending > 0 && !isOwn && !isReplaced && time() <= slot.pendingUntil
  if (isStale) stale(map)
  const callers = slot.earlier + (isOwn ? 0 : slot.latest) + (isStale || isReplaced ? slot.pending : 0)
  // The caller that sets the key is among those that missed it earlier, even if it has just missed the key again.
  const open = isReplaced ? callers : callers - 1
  if (open <= 0) return slot.free()
  slot.state = 'set'
  slot.open = open
  const at = time()
  slot.until = limit(slot.began, at)
  slot.extension = Math.max(LEAST_NEXT, NEXT * (at - slot.began))
  slot.due = at + (at - slot.began) + SLACK
  slot.misses = open + 1
  slot.hasOverwrite = false
  const line = lineOf(map)
  line?.expect(open)
  slot.isExpected = line !== undefined
}

/**
 * Records that a key is set that is present.
 * @param {AnyMap} map
 * @param {Slot} slot
 * @param {unknown} old
 * @param {unknown} value
 */
function setAgain(map, slot, old, value) {
  const at = time()
  if (at > slot.until) return slot.free()
  const isOther = !Object.is(old, value)
  if (slot.open > 0) {
    slot.until = Math.max(slot.until, at + slot.extension)
    if (isOther) overwritten(map, slot)
    slot.open--
  } else if (isOther) {
    const line = lineOf(map)
    if (line !== undefined) line.excess++
  }
}

/**
 * @param {AnyMap} map
 * @param {Slot} slot
 */
function overwritten(map, slot) {
  const line = lineFor(map)
  if (line === undefined) return
  if (!slot.isExpected) line.expect(slot.open)
  slot.isExpected = true
  line.overwritten(slot.key, slot.misses, slot.hasOverwrite ? 'again' : 'first')
  slot.hasOverwrite = true
}

/** @param {AnyMap} map */
function stale(map) {
  const line = lineFor(map)
  if (line !== undefined) line.stale++
}

/** Returns the line that sets the keys of a Map, if it is known. @param {AnyMap} map */
function lineOf(map) {
  const line = Mark.line(map)
  return line?.isOf(lines) ? line : undefined
}

/** Returns the line that sets the keys of a Map, during a `set`. @param {AnyMap} map */
function lineFor(map) {
  const known = lineOf(map)
  const line = lines.find(known, map, methods.set)
  if (line !== undefined && line !== known) Mark.setLine(map, line)
  return line
}

/**
 * Records that a key with misses is deleted.
 * @param {AnyMap} map
 * @param {Slot} slot
 */
function willDelete(map, slot) {
  if (slot.state === 'deleted') return
  beginTick()
  if (slot.state === 'set') {
    slot.old = original.get(map, slot.key)
    slot.state = 'deleted'
    slot.tick = tick
    return
  }
  // A caller that deletes the key in the tick of its miss goes on to load the value.
  if (slot.tick === tick && slot.latest > 0) return
  slot.open = slot.earlier + slot.latest
  if (slot.open + slot.pending === 0) return slot.free()
  beginAbsence(map, slot)
  slot.deleted = tick
}

/** @type {Pick<AnyMap, keyof typeof original> & ThisType<AnyMap>} */
const methods = {
  get(key) {
    const value = original.get(this, key)
    if (value !== undefined || !isMeasuring) return value
    try {
      missed(this, key, true, methods.get)
    } catch {
      // The stack is full, for example.
    }
    return value
  },
  has(key) {
    const isPresent = original.has(this, key)
    if (isPresent || !isMeasuring) return isPresent
    try {
      missed(this, key, false, methods.has)
    } catch {
      // As in `get`.
    }
    return isPresent
  },
  set(key, value) {
    // Most Maps have no followed keys: this check saves computing the index of a slot.
    if (isMeasuring && Mark.isFollowed(this)) {
      try {
        const slot = slotOf(this, key)
        if (slot !== undefined) willSet(this, slot, value)
      } catch {
        // As in `get`.
      }
    }
    return original.set(this, key, value)
  },
  delete(key) {
    if (isMeasuring && Mark.isFollowed(this)) {
      try {
        const slot = slotOf(this, key)
        if (slot !== undefined) willDelete(this, slot)
      } catch {
        // As in `get`.
      }
    }
    return original.delete(this, key)
  },
  clear() {
    original.clear(this)
    if (isMeasuring) Mark.renew(this)
  }
}

/** Returns whether all methods were replaced. */
function replaceMethods() {
  const names = /** @type {(keyof typeof methods)[]} */ (Object.keys(methods))
  const own = names.map(name => Object.getOwnPropertyDescriptor(prototype, name))
  if (own.some(descriptor => descriptor?.configurable !== true)) return false
  names.forEach((name, index) => {
    const { get: _, set: __, ...descriptor } = /** @type {PropertyDescriptor} */ (own[index])
    const properties = Object.getOwnPropertyDescriptors(descriptor.value)
    Object.defineProperties(methods[name], properties)
    Object.defineProperty(prototype, name, { ...descriptor, value: methods[name] })
  })
  return true
}

/** Forgets absences that last too long, and keys that no caller will set any more. */
function sweep() {
  const at = time()
  const end = swept + SWEPT
  for (let index = swept; index < end; index++) {
    const slot = slots[index]
    if (slot.map === undefined) continue
    if (slot.state === 'absent' ? at - slot.began > FORGOTTEN : at > slot.until) slot.free()
  }
  swept = end % SLOTS
}

/** Observes the Maps of this thread from `begin` on. */
function install() {
  const isInstalled = replaceMethods()
  return {
    begin() {
      lines = new RaceLines()
      slots = Array.from({ length: SLOTS }, () => new Slot())
      isMeasuring = isInstalled
    },
    sample() {
      if (!isMeasuring) return
      sweep()
      lines.sample()
    },
    stop() {
      isMeasuring = false
      lines = new RaceLines()
      for (const slot of slots) slot.free()
      slots = []
    },
    /** @returns {{ races: ReturnType<RaceLines['facts']>, blind?: Record<string, string> }} */
    collect() {
      const races = lines.facts()
      return isInstalled
        ? { races }
        : {
            races,
            blind: {
              race: 'the methods of Map cannot be replaced',
              invalidation: 'the methods of Map cannot be replaced'
            }
          }
    }
  }
}

module.exports = { install }
