'use strict'

// A run: starts the program, waits for its server, starts the load, measures, and returns the facts.

const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { date, now, setTimeout } = require('../internal/clock')
const { addressOf, mainOf, textOf } = require('./address')
const { factsOf } = require('./gather')
const { Inbox } = require('./inbox')
const { endProcesses, send } = require('./leftovers')
const { Load, findAutocannon } = require('./load')
const { UsageError } = require('./options')
const { descendantsOf, isRunning } = require('./process-id')
const { Program } = require('./program')
const { isAlive } = require('./settings')
const { heapsOf } = require('./snapshots')

/**
 * @typedef {import('./options').Options} Options
 * @typedef {import('./facts').Facts} Facts
 * @typedef {import('./address').Address} Address
 * @typedef {import('./settings').Heaps} Heaps
 *
 * The end of a run. `failed`: the program or its load generator did not start, failed or was killed, or no server listened.
 * @typedef {{ facts: Facts, outcome: 'measured' | 'failed', message?: string }} Outcome
 */

// Times are in milliseconds.

/** Interval at which the messages of the probes are read. */
const LOOK = 50
/** Maximum time until a server listens, if the run has a load. */
const PATIENCE = 60_000
/** Time that a server with a port gets to listen before one on a socket path gets the load: tools use such sockets internally. */
const SOCKET_PATIENCE = 2000
/** Maximum time until the first process begins its measurement: its loop may be blocked. */
const ANSWER = 20_000
/** Time that an HTTP server gets to listen after a server of another protocol. */
const FURTHER = 2000
/** Time that further servers get to listen after the first one. */
const SETTLED = 250
/** Maximum time until the processes listen that run the script of the first one: connections would otherwise go to that one alone. */
const SIBLINGS = 3000
/** Maximum time until the probes have written their last facts. */
const FAREWELL = 15_000
/** Maximum time between two heap snapshots: meanwhile V8 tracks objects, which slows its collections. */
const BETWEEN = 5000
/** Maximum time until the processes have written a heap snapshot. */
const SNAPSHOT = 60_000
/** Sampling intervals of the CPU profile, without and with `--flame`. */
const PROFILE = 10
const FLAME = 1

/** Advice for programs with the permission model of Node.js. */
const PERMISSIONS = `with --permission the program needs --allow-addons, --allow-fs-read=${join(__dirname, '..', '..')}, \
--allow-fs-write=${tmpdir()} and, on Node.js 26, --allow-inspector`

class Run {
  #options
  #inbox
  #program
  #log
  /** @type {Load | undefined} */
  #load
  /** Processes that the program has started, of any kind. @type {import('./process-id').Identity[]} */
  #family = []
  /** Resolves when the user ends the run. */
  #interrupted
  /** @type {() => void} */
  #interrupt = () => {}
  #isInterrupted = false
  /** @type {Awaited<Program['ended']> | undefined} */
  #end

  /**
   * @param {Options} options
   * @param {(text: string) => void} log
   */
  constructor(options, log) {
    if (options.load.length > 0) findAutocannon()
    this.#options = options
    this.#log = log
    this.#interrupted = new Promise(resolve => {
      this.#interrupt = () => resolve('interrupted')
    })
    this.#inbox = newInbox()
    this.#inbox.command({ phase: 'warm-up', snapshots: 0 })
    this.#program = new Program(options.command, {
      directory: this.#inbox.directory,
      reader: process.pid,
      threshold: options.threshold,
      profileInterval: options.hasFlame ? FLAME : PROFILE,
      program: options.isBatch ? 'batch' : 'server'
    })
  }

  /**
   * Ends the measurement.
   * @param {boolean} isSignalled whether the program has received the signal too
   */
  interrupt(isSignalled) {
    this.#isInterrupted = true
    this.#program.expectEnd(isSignalled)
    this.#interrupt()
  }

  /** Ends the program without waiting. */
  kill() {
    this.#findFamily()
    this.#program.kill()
    send(this.#alive(), 'SIGKILL')
  }

  /** @returns {Promise<Outcome>} */
  async result() {
    try {
      const message = await this.#observe()
      await this.#load?.stop()
      await this.#finish()
      this.#findFamily()
      const end = await this.#program.stop()
      // A parent process, such as a shell, may not have passed on the signal.
      await endProcesses(() => this.#alive())
      for (const { message } of this.#faults()) this.#log(`a probe failed: ${message}`)
      const facts = await factsOf(this.#inbox.all(), this.#options.command, this.#load?.facts)
      const failure = this.#failureOf(end) ?? this.#inbox.fault ?? message ?? this.#load?.failure
      return failure === undefined ? { facts, outcome: 'measured' } : { facts, outcome: 'failed', message: failure }
    } finally {
      this.#load?.kill()
      this.kill()
      this.#inbox.remove()
    }
  }

  /** Measures until the end of the run. Returns why the run failed, or `undefined`. @returns {Promise<string | undefined>} */
  async #observe() {
    const { isBatch, warmup, seconds, load, onListen } = this.#options
    const hasLoad = load.length > 0 || onListen !== undefined
    if (isBatch) {
      const first = await this.#firstProcess()
      if (first?.type !== 'hello') return this.#refusal()
    } else {
      const address = await this.#listening(hasLoad ? PATIENCE : Infinity)
      if (address === undefined) return this.#whyNotListening(hasLoad)
      this.#log(`listening on ${textOf(address)}`)
      if (hasLoad) this.#load = new Load(this.#options, address)
    }
    const over = [this.#ended(), this.#interrupted, ...(this.#load === undefined ? [] : [this.#load.ended])]
    if ((await Promise.race([deadline(warmup * 1000), ...over])) !== 'time') return undefined
    this.#log(seconds === undefined ? 'measuring; Ctrl-C ends the run' : `measuring for ${seconds} s`)
    this.#inbox.command({ phase: 'measure', snapshots: 0 })
    if (await this.#isBlocked(over)) {
      // A blocked loop does not handle signals either.
      this.#log(`the event loop has been blocked for ${ANSWER / 1000} s: killing the program`)
      this.kill()
      return undefined
    }
    if (this.#inbox.fault !== undefined) return undefined
    if (seconds === undefined) await Promise.race(over)
    else await this.#measure(seconds * 1000, over)
    return undefined
  }

  /**
   * Waits until a process has begun its measurement. Returns whether a blocked loop, which reads the command late, prevents it.
   * @param {Promise<unknown>[]} over settle if the run ends
   */
  async #isBlocked(over) {
    let since = now()
    const look = () => {
      const lists = this.#inbox.read()
      if (lists.flat().some(({ type }) => type === 'measure')) return false
      // Without a process, for example between two commands of a shell, no loop is blocked.
      if (!lists.some(isObserved)) since = now()
      return now() - since > ANSWER ? true : undefined
    }
    return (await this.#found(look, over)) === true
  }

  /** Waits for the first process of Node.js: a build, for example, may run before it. */
  async #firstProcess() {
    const late = setTimeout(() => {
      this.#log('waiting for a process of Node.js')
      if (this.#hasPermissions()) this.#log(PERMISSIONS)
    }, ANSWER).unref()
    const first = await this.#message(
      ({ type }) => type === 'hello' || type === 'refused',
      [this.#ended(), this.#interrupted]
    )
    late.close()
    return first
  }

  /** Returns why a process cannot be observed, if one has reported it. */
  #refusal() {
    const refusal = this.#inbox
      .read()
      .flat()
      .find(({ type }) => type === 'refused')
    return refusal && `The program cannot be observed: ${refusal.reason}`
  }

  /**
   * Returns why no server has listened, or `undefined` if the end of the program or Ctrl-C is the reason.
   * @param {boolean} hasLoad
   */
  #whyNotListening(hasLoad) {
    const refusal = this.#refusal()
    if (refusal !== undefined) return refusal
    if (this.#hasPermissions()) this.#log(PERMISSIONS)
    if (this.#isInterrupted) return undefined
    if (this.#end === undefined) return hasLoad ? `No server listened within ${PATIENCE / 1000} s` : undefined
    if (this.#end.code === 0)
      this.#log('the program ended before a server listened; --for SECONDS measures a program without a server')
    return undefined
  }

  /** Returns whether the program runs with the permission model of Node.js. */
  #hasPermissions() {
    const options = [...this.#options.command, ...(process.env.NODE_OPTIONS ?? '').split(' ')]
    return options.some(option => option === '--permission' || option === '--experimental-permission')
  }

  /**
   * Waits until the end of the measurement. If heap snapshots are wanted, takes one before the end and one at the end.
   * @param {number} time in milliseconds
   * @param {Promise<unknown>[]} over settle if the run ends earlier
   */
  async #measure(time, over) {
    const before = Math.max(time / 2, time - BETWEEN)
    await Promise.race([deadline(before), ...over])
    const heaps = heapsOf(this.#options.heap, this.#inbox.read())
    await this.#snapshot(1, heaps, over)
    await Promise.race([deadline(time - before), ...over])
    await this.#snapshot(2, heaps, over)
  }

  /**
   * Lets processes write a heap snapshot, and waits for them.
   * @param {number} count number of snapshots up to this one
   * @param {Heaps} heaps
   * @param {Promise<unknown>[]} over settle if the run ends earlier
   */
  async #snapshot(count, heaps, over) {
    if (heaps.processes.length === 0) return
    this.#inbox.command({ phase: 'measure', snapshots: count, heaps })
    const isMissing = (/** @type {any[]} */ list) =>
      heaps.processes.includes(list[0]?.pid) &&
      !list.some(message => message.type === 'end' || (message.type === 'snapshot' && message.count === count)) &&
      isAlive(list[0]?.pid)
    const look = () => (this.#inbox.read().some(isMissing) ? undefined : true)
    await this.#found(look, [...over, deadline(SNAPSHOT)])
  }

  async #ended() {
    this.#end = await this.#program.ended
    return 'ended'
  }

  /**
   * Returns the address of the main HTTP server, or else of the first server. Returns `undefined` if the run ends earlier.
   * @param {number} patience in milliseconds
   * @returns {Promise<Address | undefined>}
   */
  async #listening(patience) {
    const over = [this.#ended(), this.#interrupted, ...(patience === Infinity ? [] : [deadline(patience)])]
    const isReady = (/** @type {any} */ { type, port, at }) =>
      type === 'listening' && (port !== undefined || date() - at > SOCKET_PATIENCE)
    const first = await this.#message(message => message.type === 'refused' || isReady(message), over)
    if (first?.type !== 'listening') return undefined
    // The first server may use another protocol.
    const isHttp = (/** @type {any} */ message) => message.isHttp && isReady(message)
    const found = await this.#message(isHttp, [...over, deadline(FURTHER)])
    // Servers that the program itself needs may listen before the main one.
    await Promise.race([after(SETTLED), ...over])
    await this.#found(() => this.#areSiblingsListening(found ?? first) || undefined, [...over, deadline(SIBLINGS)])
    const servers = this.#inbox.read().flat().filter(isHttp)
    return addressOf(mainOf(servers) ?? found ?? first)
  }

  /**
   * Returns whether all processes listen that have the same parent and script as the process of a message.
   * @param {object} listening
   */
  #areSiblingsListening(listening) {
    const lists = this.#inbox.read()
    const own = lists.find(list => list.includes(listening))?.[0]
    if (own?.parent === undefined) return true
    const pids = this.#inbox
      .processes()
      .filter(it => it.parent === own.parent && it.script === own.script && isRunning(it))
    const busy = lists.filter(list => list.some(({ type }) => type === 'listening')).map(([hello]) => hello.pid)
    return pids.every(({ pid }) => busy.includes(pid))
  }

  /**
   * Waits for a message of any process, and returns it. Returns `undefined` if the run ends earlier.
   * @param {(message: any) => boolean} isWanted
   * @param {Promise<unknown>[]} over settle if the run ends
   */
  #message(isWanted, over) {
    return this.#found(() => this.#inbox.read().flat().find(isWanted), over)
  }

  /**
   * Calls `look` until there is a result, and returns it. Returns `undefined` if the run ends earlier, or if messages may be missing.
   * @template T
   * @param {() => T | undefined} look
   * @param {Promise<unknown>[]} over settle if the run ends
   */
  async #found(look, over) {
    let isOver = false
    const ended = Promise.race(over).then(() => {
      isOver = true
    })
    while (!isOver && this.#inbox.fault === undefined) {
      const found = look()
      if (found !== undefined) return found
      await Promise.race([after(LOOK), ended])
    }
    return undefined
  }

  /** Waits until each process has written its last facts, unless the command cannot be written. */
  async #finish() {
    this.#inbox.command({ phase: 'finish', snapshots: 0 })
    if (this.#inbox.fault !== undefined) return
    for (let waited = 0; waited < FAREWELL && this.#inbox.read().some(isOpen); waited += LOOK) await after(LOOK)
  }

  /** Finds the processes that the program has started. Once their parents have ended, they cannot be found. */
  #findFamily() {
    const registered = this.#inbox.processes().filter(isRunning)
    const roots = [this.#program.pid ?? [], ...registered.map(({ pid }) => pid)].flat()
    this.#family = [...this.#family, ...descendantsOf(roots)]
  }

  /** Returns the ids of the processes of the program that are still running. */
  #alive() {
    const registered = this.#inbox.processes().filter(({ started }) => started !== undefined)
    const identified = [...registered, ...this.#family]
    const others = this.#inbox.read().filter(list => isObserved(list) && !identified.some(it => it.pid === list[0].pid))
    const alive = [...identified.filter(isRunning), ...others.map(([hello]) => hello)]
    return [...new Set(alive.map(({ pid }) => pid))]
  }

  /** Returns the first fault of the probes in each process. */
  #faults() {
    return this.#inbox.read().flatMap(list => list.filter(({ type }) => type === 'fault').slice(0, 1))
  }

  /** @param {Awaited<Program['ended']>} end */
  #failureOf(end) {
    if (this.#program.wasAsked) return undefined
    if (end.error !== undefined) return `The program could not be started: ${end.error.message}`
    if (end.signal !== null) return `The program was killed by ${end.signal}`
    return end.code === 0 ? undefined : `The program ended with exit code ${end.code}`
  }
}

/** Makes the directory of the facts. */
function newInbox() {
  try {
    return new Inbox()
  } catch (error) {
    throw new UsageError(
      `The temporary directory "${tmpdir()}" cannot be used: ${/** @type {Error} */ (error).message}. TMPDIR sets another one`
    )
  }
}

/** Returns whether a process writes facts and has not reported its exit. @param {any[]} messages */
function isObserved(messages) {
  const [first] = messages
  return (
    first?.type === 'hello' &&
    !messages.some(({ type, end }) => type === 'end' && end.kind === 'exit') &&
    isAlive(first.pid)
  )
}

/** Returns whether a process may still write facts. @param {any[]} messages */
function isOpen(messages) {
  return !messages.some(({ type }) => type === 'end' || type === 'refused') && isAlive(messages[0]?.pid)
}

/**
 * Resolves after a time.
 * @param {number} ms
 * @returns {Promise<'time'>}
 */
function after(ms) {
  return new Promise(resolve => setTimeout(() => resolve('time'), ms))
}

/**
 * Resolves after a time, but does not keep this process alive: the program does.
 * @param {number} ms
 * @returns {Promise<'time'>}
 */
function deadline(ms) {
  return new Promise(resolve => void setTimeout(() => resolve('time'), ms).unref())
}

module.exports = { Run }
