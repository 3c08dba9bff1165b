'use strict'

// Processes that share the tier of a host while they are killed, suspended and blocked, and while a connection stalls. Checks the guarantee:
// each id has a number in the database, which only grows.

const { fork } = require('node:child_process')
const { mkdirSync, mkdtempSync, rmSync } = require('node:fs')
const { connect, createServer } = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { Database } = require('../fixtures/tier/database.js')

/**
 * @typedef {{ process: number, id: string, version: number, isExact: boolean, began: number, took: number }} Get
 * @typedef {{ process: number, id: string, version: number, at: number }} Change
 */

const READER = join(__dirname, '../fixtures/tier/reader.js')
const MAX_STALE = 1000
const PROCESSES = 4
const IDS = 40
/** Milliseconds between two changes of an id, and between two faults. */
const CHANGE = 100
const FAULT = 1000
/** Time after which the tier no longer executes changes of a killed process. */
const LATEST = 2000

/** Forwards the connections of one process to the tier, and can stall them. */
class FaultyConnection {
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set()
  #server

  /**
   * @param {string} from path of the socket
   * @param {string} to
   */
  constructor(from, to) {
    this.#server = createServer(client => {
      const upstream = connect(to)
      for (const [one, other] of [
        [client, upstream],
        [upstream, client]
      ]) {
        this.#sockets.add(one)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
        one.pipe(other)
      }
    }).listen(from)
  }

  /** Stops reading, while the connections stay open. @param {number} millis */
  async stall(millis) {
    const stalled = [...this.#sockets].filter(() => Math.random() < 0.7)
    for (const socket of stalled) socket.pause()
    await sleep(millis)
    for (const socket of stalled) socket.resume()
  }

  cut() {
    for (const socket of this.#sockets) socket.destroy()
  }

  close() {
    this.#server.close()
    this.cut()
  }
}

class Run {
  #directory = mkdtempSync(join(tmpdir(), 'offloop-faults-'))
  #database = new Database()
  /** @type {import('node:child_process').ChildProcess[]} */
  #children = []
  /** @type {FaultyConnection | undefined} */
  #proxy
  /** Ids with a change in flight, and its process. @type {Map<string, number>} */
  #changing = new Map()
  #isOver = false
  /** @type {Get[]} */
  gets = []
  /** @type {Change[]} */
  changes = []
  /** @type {Record<string, number>} */
  faults = {}
  failures = 0

  /** @param {number} seconds */
  async run(seconds) {
    await this.#database.open()
    const [own, proxied] = ['own', 'proxied'].map(name => join(this.#directory, name))
    for (const path of [own, proxied]) mkdirSync(path, { mode: 0o700 })
    this.#proxy = new FaultyConnection(join(proxied, 'socket-1'), join(own, 'socket-1'))
    for (let index = 0; index < PROCESSES; index++) this.#start(index, index === PROCESSES - 1 ? proxied : own)
    const changing = this.#changeIds()
    const end = performance.now() + seconds * 1000
    await sleep(1000)
    while (performance.now() < end) {
      await this.#fault(index => this.#start(index, index === PROCESSES - 1 ? proxied : own))
      await sleep(FAULT * Math.random())
    }
    this.#isOver = true
    await changing
    for (const child of this.#children) child.kill('SIGKILL')
    this.#proxy.close()
    this.#database.close()
    rmSync(this.#directory, { recursive: true, force: true })
    return this.#violations()
  }

  /**
   * @param {number} index
   * @param {string} path
   */
  #start(index, path) {
    const child = fork(READER, [path, this.#database.url ?? '', String(index)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc']
    })
    this.#children[index] = child
    child.on('message', (/** @type {any} */ message) => {
      const { type, ...rest } = message
      if (type === 'get') this.gets.push(rest)
      else if (type === 'failed') this.failures++
      else if (type === 'changed') this.changes.push(rest)
      if (type === 'changed' || type === 'refused') this.#changing.delete(message.id)
    })
    child.on('error', () => {})
  }

  /** Changes ids, each in one process at a time. */
  async #changeIds() {
    while (!this.#isOver) {
      const id = `id ${Math.floor(Math.random() * IDS)}`
      if (!this.#changing.has(id)) {
        const process = Math.floor(Math.random() * PROCESSES)
        const version = Number(this.#database.rows[id] ?? 0) + 1
        this.#database.rows[id] = version
        this.#changing.set(id, process)
        const child = this.#children[process]
        if (child.connected) child.send({ type: Math.random() < 0.3 ? 'set' : 'delete', id, version })
        else this.#changing.delete(id)
      }
      await sleep(CHANGE * Math.random())
    }
  }

  /** @param {(index: number) => void} restart */
  async #fault(restart) {
    const index = Math.floor(Math.random() * PROCESSES)
    const child = this.#children[index]
    const kinds = ['kill', 'suspend', 'block', 'stall', 'cut']
    const kind = kinds[Math.floor(Math.random() * kinds.length)]
    this.faults[kind] = (this.faults[kind] ?? 0) + 1
    if (kind === 'kill') {
      child.kill('SIGKILL')
      // The tier may still execute a change that the process has sent.
      const lost = [...this.#changing].filter(([, process]) => process === index)
      setTimeout(() => {
        for (const [id] of lost) this.#changing.delete(id)
      }, LATEST).unref()
      restart(index)
    } else if (kind === 'suspend') {
      child.kill('SIGSTOP')
      await sleep(2000 * Math.random())
      child.kill('SIGCONT')
    } else if (kind === 'block') {
      if (child.connected) child.send({ type: 'block', millis: 1500 * Math.random() })
    } else if (kind === 'stall') {
      await this.#proxy?.stall(2500 * Math.random())
    } else {
      this.#proxy?.cut()
    }
  }

  /** Returns the calls that missed an acknowledged change, with that change. */
  #violations() {
    return this.gets.flatMap(get => {
      const missed = this.changes.find(
        change => change.id === get.id && change.version > get.version && mustSee(get, change)
      )
      return missed === undefined ? [] : [JSON.stringify({ get, missed })]
    })
  }
}

/**
 * @param {Get} get
 * @param {Change} change
 */
function mustSee(get, change) {
  const isExact = get.isExact || get.process === change.process
  return change.at + (isExact ? 0 : MAX_STALE) < get.began
}

/** @param {number} seconds */
async function runWithFaults(seconds) {
  const run = new Run()
  const violations = await run.run(seconds)
  const { gets, changes, faults, failures } = run
  return { violations, gets: gets.length, changes: changes.length, failures, faults }
}

module.exports = { runWithFaults }
