'use strict'

// The link of a thread to a tier: its state, the beats that bound the age of copies, and the deletes to send again.
//
// Three times per `maxStale` the link sends itself a beat through the tier. Messages of a connection arrive in the order in which
// the tier handled the commands, so an echo proves that every earlier delete has been received. Copies may be served for `maxStale` after
// the last echoed beat was sent. Only the clock of this process counts.

const { Calls } = require('./calls')
const { Debts } = require('./debts')
const { tierError } = require('./errors')
const { changes } = require('./events')
const { Signal } = require('./signal')
const { timing } = require('./timing')
const { Tokens } = require('./tokens')

/**
 * @typedef {import('./engine').Engine} Engine
 * @typedef {import('./rules').Message} Message
 *
 * `sighted`: copies may be served. `blind`: each call asks the tier. `down`: the tier cannot be reached.
 * @typedef {'sighted' | 'blind' | 'down'} State
 *
 * A cache of this thread.
 * @typedef {object} Member
 * @property {string} name
 * @property {string} settings which all processes must have in common
 * @property {(key: string, message: Message | { kind: 'cleared' }) => void} onMessage
 * @property {() => void} onGap messages may have been lost
 * @property {(until: number) => void} onValid copies may be served until then
 * @property {() => boolean} isUsed whether a copy was served since the last call
 * @property {(settings: string) => void} onRefused receives the settings of the other processes, which differ
 *
 * @typedef {{ maxStale: number, timeout: number, onError: (error: Error) => void }} Settings
 */

/** Beats per `maxStale`. Minimum time between beats, and their interval if copies are never served, in milliseconds. */
const BEATS = 3
const LEAST_PAUSE = 50
const PAUSE = 1000
/** Number of beat intervals without a call after which beats stop. */
const IDLE = 30
/** Number of successive failures after which the tier counts as unreachable. */
const FAILURES = 3
/** Limits of the time until the next attempt to reach the tier, in milliseconds. */
const MIN_BACKOFF = 50
const MAX_BACKOFF = 2000
/** No time limit. */
const NEVER = Number.MAX_SAFE_INTEGER
/** Minimum time between reports of one failure, in milliseconds. */
const QUIET = 60_000

class Link {
  /** Tokens of this thread. */
  tokens = new Tokens()
  #engine
  #settings
  #calls
  #debts = new Debts()
  /** @type {Set<Member>} */
  #members = new Set()
  /** Caches that have subscribed, with the first beat whose echo lets them serve copies. @type {Map<Member, number>} */
  #subscribed = new Map()
  /** @type {State} */
  #state = 'down'
  /** @type {Error | undefined} */
  #reason
  /** Last failure that was reported, and when. @type {{ message: string, at: number } | undefined} */
  #reported
  #isConnected = false
  /** Times that the tier became unreachable. */
  gaps = 0
  #isClosed = false
  /** Number of the current attempt to join the tier; a gap or another attempt ends it. */
  #attempt = 0
  #backoff = MIN_BACKOFF
  #failures = 0
  #holds = 0
  #beat = 0
  /** Last beat with an echo. */
  #echoed = 0
  /** When each beat without an echo was sent. @type {Map<number, number>} */
  #sentAt = new Map()
  #validUntil = Number.NEGATIVE_INFINITY
  #lastCall = Number.NEGATIVE_INFINITY
  /** Time of the tier, and when it was received. @type {{ tier: number, received: number } | undefined} */
  #clock
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  /** Signals each echo and each change of the state. */
  changed = new Signal()
  /** Resolves when the tier is joined, or after the time limit of a command. @type {Promise<void> | undefined} */
  #joining

  /**
   * @param {Engine} engine
   * @param {Settings} settings
   */
  constructor(engine, settings) {
    this.#engine = engine
    this.#settings = settings
    this.#calls = new Calls(settings.timeout)
    this.#joining = this.#awaitJoin()
    engine.open({
      onConnected: () => {
        this.#isConnected = true
        this.#join()
      },
      onDisconnected: reason => {
        this.#isConnected = false
        const wasDown = this.#state === 'down'
        this.#goDown(reason)
        // Another process may become the keeper soon: until then, calls wait instead of loading in each process.
        if (!wasDown) this.#joining ??= this.#awaitJoin()
      },
      onMessage: (cache, key, message) => {
        for (const member of this.#members) if (member.name === cache) member.onMessage(key, message)
      },
      onEcho: beat => this.#onEcho(beat)
    })
  }

  /** Whether calls wait for the connection. */
  get isJoining() {
    return this.#joining !== undefined
  }

  get isClosed() {
    return this.#isClosed
  }

  /** Time limit of a command, in milliseconds. */
  get timeout() {
    return this.#settings.timeout
  }

  get maxStale() {
    return this.#settings.maxStale
  }

  /** Number of deletes that the tier has not acknowledged. */
  get debts() {
    return this.#debts.size
  }

  /** Milliseconds since the last echoed beat was sent. */
  get age() {
    return timing.now() - (this.#validUntil - this.#settings.maxStale)
  }

  /**
   * Returns the state of a cache for a caller that accepts copies up to some age.
   * @param {Member} member
   * @param {number} [maxStale] in milliseconds, at most that of the tier
   * @returns {State}
   */
  stateOf(member, maxStale = Number.POSITIVE_INFINITY) {
    if (this.#state !== 'sighted') return this.#state
    const until = this.#validUntil - Math.max(0, this.#settings.maxStale - maxStale)
    return this.#isSubscribed(member) && timing.now() < until ? 'sighted' : 'blind'
  }

  /** Adds a cache of this thread. @param {Member} member */
  enter(member) {
    this.#members.add(member)
    if (this.#state === 'down') return
    this.#subscribe([member])
      .then(() => this.#sendBeat())
      .catch(error => this.#onFailure(error))
  }

  /** Removes a cache of this thread. @param {Member} member */
  leave(member) {
    this.#members.delete(member)
    this.#subscribed.delete(member)
    if (!this.#isConnected || [...this.#members].some(({ name }) => name === member.name)) return
    this.#engine.unsubscribe(member.name).catch(() => {})
  }

  /** Counts a call: beats are sent only while there are calls. */
  touch() {
    this.#lastCall = timing.now()
    if (this.#timer === undefined && this.#state !== 'down') this.#sendBeat().catch(() => {})
  }

  /** Keeps the process alive until the returned function is called. */
  hold() {
    if (this.#holds++ === 0) this.#engine.hold(true)
    let isHeld = true
    return () => {
      if (isHeld && --this.#holds === 0) this.#engine.hold(false)
      isHeld = false
    }
  }

  /**
   * Sends a command. Rejects with ERR_OFFLOOP_TIER if the tier is down, refuses the command, or does not answer in time.
   * @template Reply
   * @param {(engine: Engine, notAfter: number) => Promise<Reply>} command `notAfter`: latest time of the tier at which the command may
   *   take effect, because its caller gives up
   * @param {(reply: Reply) => void} [onLate] called with a reply that comes after the rejection
   * @returns {Promise<Reply>}
   */
  async call(command, onLate = () => {}) {
    this.touch()
    if (this.#joining !== undefined) await this.#joining
    if (this.#state === 'down') throw tierError('cannot be reached', this.#whyDown)
    return this.#send(command, onLate)
  }

  /**
   * Deletes records. Those that the tier may not have deleted are deleted as soon as it can be reached.
   * @param {string} cache
   * @param {readonly string[] | undefined} keys default: all
   * @returns {Promise<boolean>} whether one of the records held a value
   */
  async delete(cache, keys) {
    const deletes = (keys ?? [undefined]).map(key => ({ cache, key }))
    try {
      const had = await this.call(engine => (keys === undefined ? engine.clear(cache) : engine.drop(cache, keys)))
      for (const it of deletes) this.#debts.pay(it, timing.now())
      return had === true
    } catch (error) {
      for (const it of deletes) this.#debts.owe(it)
      throw error
    }
  }

  /** Remembers a write with an unknown effect as a delete. @type {(cache: string, key: string) => void} */
  owe(cache, key) {
    this.#debts.owe({ cache, key })
  }

  /** Remembers an acknowledged write of a record: after a failover it is repeated as a delete. @type {(cache: string, key: string) => void} */
  written(cache, key) {
    this.#debts.pay({ cache, key }, timing.now())
  }

  /** Returns whether a record must not be read: its delete is not acknowledged. @type {(cache: string, key: string) => boolean} */
  owes(cache, key) {
    return this.#debts.includes(cache, key)
  }

  /** Sends the remaining deletes, and closes the connection. */
  async close() {
    if (this.#isClosed) return
    if (this.#debts.size > 0 && this.#state !== 'down') await this.#pay(this.#debts.unpaid()).catch(() => {})
    this.#isClosed = true
    timing.clearTimeout(this.#timer)
    this.#goDown(new Error('the tier is closed'))
    await this.#engine.close()
  }

  /** Resolves when the tier is joined, or after the time limit of a command. */
  async #awaitJoin() {
    const end = timing.now() + this.#settings.timeout
    for (let left = end - timing.now(); left > 0 && this.#state === 'down'; left = end - timing.now()) {
      await this.changed.next(left)
      if (this.#isClosed) break
    }
    this.#joining = undefined
  }

  /** Why the tier is down, as the error of a command that was not sent. */
  get #whyDown() {
    return this.#reason && new Error(this.#reason.message, { cause: this.#reason })
  }

  /** @param {Member} member */
  #isSubscribed(member) {
    return this.#echoed >= (this.#subscribed.get(member) ?? Number.POSITIVE_INFINITY)
  }

  /** Joins the tier over a new connection, or after failures. */
  async #join() {
    const attempt = ++this.#attempt
    const isCurrent = () => attempt === this.#attempt && !this.#isClosed
    try {
      this.#subscribed.clear()
      // Reads the clock of the tier, which limits when a command takes effect.
      await this.#sendBeat()
      await this.#subscribe([...this.#members])
      if (isCurrent()) await this.#pay(this.#debts.all(timing.now()))
      if (!isCurrent()) return
      this.#failures = 0
      this.#setState('blind')
      await this.#sendBeat()
      if (isCurrent()) this.#backoff = MIN_BACKOFF
    } catch (error) {
      if (isCurrent()) this.#goDown(/** @type {Error} */ (error))
    }
  }

  /** @param {readonly Member[]} members */
  async #subscribe(members) {
    await Promise.all(members.map(member => this.#subscribeOne(member)))
  }

  /** @param {Member} member */
  async #subscribeOne(member) {
    const { name, settings } = member
    const agreed = await this.#send(engine => engine.agree(name, settings))
    if (agreed !== settings) return member.onRefused(agreed)
    await this.#send(engine => engine.subscribe(name))
    // Flights that began without messages must keep no copy.
    member.onGap()
    this.#subscribed.set(member, this.#beat + 1)
  }

  /** @param {readonly import('./debts').Delete[]} deletes */
  async #pay(deletes) {
    for (const it of deletes) {
      const { cache, key } = it
      await this.#send(engine => (key === undefined ? engine.clear(cache) : engine.drop(cache, [key])))
      this.#debts.pay(it, timing.now())
    }
  }

  async #sendBeat() {
    const beat = ++this.#beat
    this.#sentAt.set(beat, timing.now())
    this.#schedule()
    const tier = await this.#send(engine => engine.beat(beat))
    this.#clock = { tier, received: timing.now() }
  }

  /** @param {number} beat */
  #onEcho(beat) {
    const sent = this.#sentAt.get(beat)
    if (sent === undefined || this.#state === 'down') return
    for (const earlier of this.#sentAt.keys()) if (earlier <= beat) this.#sentAt.delete(earlier)
    this.#echoed = beat
    this.#validUntil = sent + this.#settings.maxStale
    for (const member of this.#members) {
      if (this.#isSubscribed(member)) member.onValid(this.#validUntil)
    }
    this.#setState(this.#settings.maxStale > 0 ? 'sighted' : 'blind')
    this.changed.give()
  }

  /** Starts the timer of the next beat. */
  #schedule() {
    if (this.#timer !== undefined || this.#isClosed || this.#state === 'down') return
    this.#timer = timing.setTimeout(() => this.#onTimer(), this.#pause)
    this.#timer.unref()
  }

  /** Milliseconds between two beats. */
  get #pause() {
    const { maxStale } = this.#settings
    return maxStale === 0 ? PAUSE : Math.max(LEAST_PAUSE, maxStale / BEATS)
  }

  #onTimer() {
    this.#timer = undefined
    if (this.#state === 'down') return this.#retry()
    const now = timing.now()
    if (this.#state === 'sighted' && now >= this.#validUntil) this.#setState('blind')
    for (const member of this.#members) if (member.isUsed()) this.#lastCall = now
    // An idle process sends no beats; the next call starts them again.
    if (now - this.#lastCall > IDLE * this.#pause && this.#debts.size === 0) return
    // Debts may exist although the tier can be reached.
    Promise.all([this.#sendBeat(), this.#pay(this.#debts.unpaid())]).catch(() => {})
  }

  #retry() {
    if (this.#isConnected && !this.#isClosed) this.#join()
  }

  /**
   * @template Reply
   * @param {(engine: Engine, notAfter: number) => Promise<Reply>} command
   * @param {(reply: Reply) => void} [onLate]
   * @returns {Promise<Reply>}
   */
  async #send(command, onLate = () => {}) {
    const release = this.hold()
    try {
      const reply = await this.#calls.run(() => command(this.#engine, this.#notAfter), onLate)
      this.#failures = 0
      return reply
    } catch (error) {
      const cause = /** @type {Error} */ (error)
      this.#onFailure(cause)
      throw tierError('did not execute a command', cause)
    } finally {
      release()
    }
  }

  /** Latest time of the tier at which a command that is sent now may take effect; never estimated too late. */
  get #notAfter() {
    if (this.#clock === undefined) return NEVER
    const { tier, received } = this.#clock
    return tier + (timing.now() - received) + this.#settings.timeout
  }

  /** @param {Error} error */
  #onFailure(error) {
    if (++this.#failures >= FAILURES && this.#state !== 'down') this.#goDown(error)
  }

  /** @param {Error} reason */
  #goDown(reason) {
    if (this.#state !== 'down') this.gaps++
    this.#attempt++
    this.#reason = reason
    this.#failures = 0
    this.#sentAt.clear()
    this.#subscribed.clear()
    this.#validUntil = Number.NEGATIVE_INFINITY
    for (const member of this.#members) {
      member.onValid(this.#validUntil)
      member.onGap()
    }
    this.#setState('down')
    this.#report(reason)
    if (this.#isClosed || this.#timer !== undefined) return
    this.#timer = timing.setTimeout(() => this.#onTimer(), timing.random() * this.#backoff)
    this.#timer.unref()
    this.#backoff = Math.min(MAX_BACKOFF, 2 * this.#backoff)
  }

  /** Reports a failure, unless it was reported shortly before. @param {Error} reason */
  #report(reason) {
    const { message } = reason
    const now = timing.now()
    if (this.#isClosed || (this.#reported?.message === message && now - this.#reported.at < QUIET)) return
    this.#reported = { message, at: now }
    this.#settings.onError(tierError('cannot be reached', reason))
  }

  /** @param {State} state */
  #setState(state) {
    if (this.#state === state) return
    this.#state = state
    if (changes.hasSubscribers) changes.publish({ event: 'state', state, reason: this.#reason })
    this.changed.give()
  }
}

module.exports = { Link }
