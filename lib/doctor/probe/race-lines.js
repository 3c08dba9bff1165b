'use strict'

// Records the lines that overwrite keys of Maps set by other callers, and the functions that missed those keys. Overwrites are a race if
// the function that sets a key after `await` has also missed it: a reader of a table that another part of the program fills does not race.

const { formatter, isUserFile } = require('../../watch/frames')
const { siteOf } = require('./stack')

/**
 * A race. `kinship` of the functions that miss keys and those that set them: `same` (a function that missed a key sets it after `await`),
 * `near` (they have a common caller or file), `other`, or `unknown` (no miss was observed after the first overwrite). `expected`: number of
 * callers that missed a key before it was set and may overwrite it. `excess`: number of overwrites beyond those.
 * @typedef {import('../facts').RaceFact & { kinship: 'same' | 'near' | 'other' | 'unknown', expected: number, excess: number }} RaceFact
 */

const MAX_LINES = 256
const MAX_KEYS = 64
const MAX_FUNCTIONS = 64
const MAX_PLACES = 4
const EXCERPT = 40
/** Maximum number of stacks captured between two samples. */
const BUDGET = 16
/** Number of frames that identify a line: a class for caches may have several callers. */
const NAMED = 3
/** Number of innermost functions that are compared. */
const COMPARED = 8
/** File of Node.js that resumes functions after `await`. */
const CONTINUATIONS = 'node:internal/process/task_queues'
// The program may replace `Error.captureStackTrace`.
const { captureStackTrace } = Error

/**
 * @typedef {Map<unknown, unknown>} AnyMap
 *
 * A function on a stack, with the index of its frame.
 * @typedef {{ name: string, file: string, index: number, isUser: boolean, isAsync: boolean }} OnStack
 */

/** The functions on several stacks. */
class Functions {
  /** All functions. @type {Set<string>} */
  all = new Set()
  /** Innermost function of the program on each stack. @type {Set<string>} */
  inner = new Set()
  /** Functions of the program, and the file of the innermost one on each stack. @type {Set<string>} */
  near = new Set()
  /** Outermost functions of stacks that begin after an `await`. @type {Set<string>} */
  resumed = new Set()

  /** Functions of the program on the first stack that are not suspended, innermost first. @type {OnStack[]} */
  running = []

  /** Adds the functions of the current stack. @param {Function} below */
  capture(below) {
    if (this.all.size > MAX_FUNCTIONS) return
    const { frames, resumed } = functionsBelow(below)
    const near = frames.filter(frame => frame.isUser)
    if (this.all.size === 0) this.running = near.filter(({ isAsync }) => !isAsync)
    for (const { name } of frames) this.all.add(name)
    for (const { name } of near) this.near.add(name)
    for (const { name, file } of near.slice(0, 1)) {
      this.inner.add(name)
      this.near.add(file)
    }
    if (resumed !== undefined) this.resumed.add(resumed)
  }
}

/** A line that overwrites keys set by other callers. */
class RaceLine {
  overwrites = 0
  absences = 0
  stale = 0
  /** Overwrites since the line was found. */
  sets = 0
  /** Number of callers that missed a key before it was set and may overwrite it, and number of overwrites beyond those. */
  expected = 0
  excess = 0
  /** Maximum number of misses of a key before its first set, and an excerpt of that key. */
  most = 0
  key = ''
  /** @type {Set<unknown>} */
  #keys = new Set()
  #missed = 0
  #frames
  /** Whether the Map is an instance of a derived class. */
  #isDerived = false
  #setters = new Functions()
  #missers = new Functions()
  /** Innermost frames of the program that missed a key. @type {import('../facts').FactFrame[]} */
  #places = []
  #lines

  /**
   * @param {RaceLines} lines
   * @param {import('../facts').FactFrame[]} frames
   */
  constructor(lines, frames) {
    this.#lines = lines
    this.#frames = frames
  }

  /** @param {RaceLines} lines */
  isOf(lines) {
    return this.#lines === lines
  }

  /**
   * Records the stack of an overwrite.
   * @param {Function} wrapper
   * @param {AnyMap} map
   */
  set(wrapper, map) {
    this.#setters.capture(wrapper)
    this.#isDerived = Object.getPrototypeOf(map) !== Map.prototype
  }

  /** Adds to the number of expected overwrites. @param {number} callers number of callers, negative to take them back */
  expect(callers) {
    this.expected = Math.max(0, this.expected + callers)
  }

  /** Records a miss in a Map that has had overwrites. @param {Function} wrapper */
  missed(wrapper) {
    if (!isPowerOfTwo(++this.#missed) || !this.#lines.spend()) return
    this.#missers.capture(wrapper)
    const frame = siteOf(wrapper).frames.find(({ isUser }) => isUser)
    const isKnown = this.#places.some(({ file, line }) => file === frame?.file && line === frame.line)
    if (frame !== undefined && !isKnown && this.#places.length < MAX_PLACES) this.#places.push(frame)
  }

  /**
   * Counts an overwrite.
   * @param {unknown} key
   * @param {number} misses number of misses of the key before its first set
   * @param {'first' | 'again'} kind whether this is the first overwrite after the absence of the key
   */
  overwritten(key, misses, kind) {
    this.overwrites++
    if (kind === 'again') return
    this.absences++
    if (this.#keys.size < MAX_KEYS) this.#keys.add(key)
    if (misses <= this.most) return
    this.most = misses
    this.key = String(key).slice(0, EXCERPT)
  }

  /** @returns {RaceFact} */
  fact() {
    const { key, overwrites, absences, most: misses, stale } = this
    const counts = { key, overwrites, absences, keys: this.#keys.size, misses, stale, missers: this.#places }
    return {
      ...counts,
      kinship: this.#kinship(),
      expected: this.expected,
      excess: this.excess,
      frames: this.#ownFrames()
    }
  }

  /** Returns the frames without those of a cache through which the racing function both misses and sets keys. */
  #ownFrames() {
    const { running, resumed } = this.#setters
    const { all, inner } = this.#missers
    const common = running.find(({ name }) => all.has(name))
    const own = common ?? running.find(({ name }) => resumed.has(name))
    const isCache = common === undefined ? own?.file !== running[0]?.file : !inner.has(common.name)
    return own !== undefined && (isCache || this.#isDerived) ? this.#frames.slice(own.index) : this.#frames
  }

  #kinship() {
    if (this.#missers.all.size === 0) return 'unknown'
    if (share(this.#setters.resumed, this.#missers.all)) return 'same'
    return share(this.#setters.near, this.#missers.near) ? 'near' : 'other'
  }
}

/** The lines of a thread that overwrite keys. */
class RaceLines {
  /** @type {Map<string, RaceLine>} */
  #lines = new Map()
  #budget = BUDGET

  /** Renews the budget of stacks. */
  sample() {
    this.#budget = BUDGET
  }

  /** Takes one stack from the budget. Returns false if the budget is used up. */
  spend() {
    return this.#budget > 0 && this.#budget-- > 0
  }

  /**
   * Returns the line that sets the keys of a Map, or undefined as long as no stack could be captured. The line is that of the first stack,
   * since few Maps are set by several lines. Later stacks, at doubling counts, only add functions to the line.
   * @param {RaceLine | undefined} known line of the Map, if a stack was captured
   * @param {AnyMap} map
   * @param {Function} wrapper
   */
  find(known, map, wrapper) {
    if (known !== undefined && !isPowerOfTwo(++known.sets)) return known
    if (!this.spend()) return known
    const line = known ?? this.#lineOf(siteOf(wrapper).frames)
    line?.set(wrapper, map)
    return line
  }

  facts() {
    const facts = [...this.#lines.values()].map(line => line.fact())
    return facts.sort((one, other) => other.overwrites - one.overwrites)
  }

  /** @param {import('../facts').FactFrame[]} frames */
  #lineOf(frames) {
    const named = frames.filter(frame => frame.isUser)
    const name = (named.length > 0 ? named : frames)
      .slice(0, NAMED)
      .map(({ file, line, column }) => `${file}:${line}:${column}`)
    const key = name.join('\n')
    const known = this.#lines.get(key)
    if (known !== undefined || this.#lines.size === MAX_LINES) return known
    const line = new RaceLine(this, frames)
    this.#lines.set(key, line)
    return line
  }
}

/**
 * Returns the functions on the current stack, innermost first, without those of Node.js. The name of each is its file and position.
 * `resumed`: the outermost function, if the stack begins after its `await`.
 * @param {Function} below innermost function that is left out
 * @returns {{ frames: OnStack[], resumed?: string | undefined }}
 */
function functionsBelow(below) {
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
  const isReplaced =
    (own === undefined || own.configurable === true) &&
    Reflect.defineProperty(Error, 'prepareStackTrace', { value: formatter, configurable: true, writable: true })
  if (!isReplaced) return { frames: [] }
  const holder = /** @type {{ stack?: any }} */ ({})
  try {
    captureStackTrace(holder, below)
    return Array.isArray(holder.stack) ? functionsOf(holder.stack) : { frames: [] }
  } finally {
    if (own === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace')
    else Object.defineProperty(Error, 'prepareStackTrace', own)
  }
}

/** @param {any[]} sites */
function functionsOf(sites) {
  const all = sites.map((site, index) => {
    const file = site.getFileName() ?? site.getEvalOrigin() ?? ''
    const name = `${file}\n${site.getEnclosingLineNumber?.()}:${site.getEnclosingColumnNumber?.()}`
    return { name, file, index, isUser: isUserFile(file), isAsync: site.isAsync?.() === true }
  })
  const outermost = all.findLast(({ file, isAsync }) => !isAsync && file !== CONTINUATIONS)
  const frames = all.filter(({ file }) => file !== '' && !file.startsWith('node:'))
  const resumed = outermost !== undefined && frames.includes(outermost) ? outermost.name : undefined
  return { frames: frames.slice(0, COMPARED), resumed }
}

/**
 * @param {Set<string>} some
 * @param {Set<string>} others
 */
function share(some, others) {
  for (const one of some) if (others.has(one)) return true
  return false
}

/** @param {number} count */
function isPowerOfTwo(count) {
  return (count & (count - 1)) === 0
}

module.exports = { RaceLine, RaceLines }
