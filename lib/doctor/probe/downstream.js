'use strict'

// Observes calls to other services: on the diagnostics channels of clients that have them, otherwise by the bytes that clients write to
// their sockets.

const { AsyncLocalStorage } = require('node:async_hooks')
const { channel, subscribe } = require('node:diagnostics_channel')
const { Agent } = require('node:http')
const { describeHttp, describeRedis, describeSql, hashOf, textOf } = require('./call-text')
const { attachment } = require('../../internal/attachment')
const { callerFrames } = require('./caller')
const { Calls } = require('./calls')
const { observeSockets } = require('./client-sockets')
const { replace } = require('./replace')

/**
 * @typedef {import('./calls').Call} Call
 * @typedef {import('./call-text').Description} Description
 * @typedef {{ kind: string, target: string, hash: number | undefined, description: Description }} What
 * @typedef {(message: any) => void} Listener
 */

const major = Number(process.versions.node.split('.', 1)[0])
/** Since Node.js 24, an `AsyncLocalStorage` needs no hook for each promise. */
const HAS_CHEAP_CONTEXT = major >= 24
/** Since Node.js 22, a request is published when it is created; before, only when it is sent, possibly on another stack. */
const HAS_CREATED = major >= 22
/** Clients replace arguments that may be secret with this. */
const REDACTED = '?'

/** Requests are followed from the first call on, also before the measurement. @type {'before' | 'measuring' | 'stopped'} */
let state = 'before'
let calls = new Calls()
/** @type {AsyncLocalStorage<import('./calls').RequestContext> | undefined} */
let requests
/** Calls by the object that their channel publishes. @type {ReturnType<typeof attachment<Call>>} */
const open = attachment()
/** @type {ReturnType<typeof attachment<import('./calls').RequestContext>>} */
const contexts = attachment()
/** Ports and paths whose client has channels: their sockets are not looked at. @type {Set<unknown>} */
const covered = new Set()

/**
 * Begins a call.
 * @param {What} what
 * @param {Function} below
 */
function begin(what, below) {
  followRequests()
  return calls.begin(what, requests?.getStore(), () => callerFrames(below))
}

/**
 * Observes a channel. An error of a listener would be an uncaught exception of the program.
 * @param {string} name
 * @param {Listener} listener
 */
function on(name, listener) {
  subscribe(name, message => {
    try {
      if (state === 'measuring') listener(message)
      else if (state === 'before') followRequests()
    } catch {
      // The client publishes something else.
    }
  })
}

/**
 * Observes the calls of a client.
 * @param {string} start name of the channel that begins a call
 * @param {string[]} ends names of the channels that end it
 * @param {(message: any) => object} keyOf returns the object by which the channels know the call
 * @param {(message: any) => What | undefined} whatOf
 */
function observe(start, ends, keyOf, whatOf) {
  on(start, function started(message) {
    const what = whatOf(message)
    const call = what && begin(what, started)
    // The object cannot be extended: without an attached call, the end would go unnoticed.
    if (call !== undefined && !open.set(keyOf(message), call)) calls.drop(call)
  })
  for (const end of ends) {
    on(end, message => {
      const key = keyOf(message)
      const call = open.get(key)
      if (call === undefined) return
      open.set(key, undefined)
      calls.end(call)
    })
  }
}

/**
 * Observes a channel of a driver, whose context is the key of a call.
 * @param {string} name
 * @param {(context: any) => What | undefined} whatOf
 */
function observeDriver(name, whatOf) {
  observe(`tracing:${name}:start`, [`tracing:${name}:asyncStart`], context => context, whatOf)
}

/**
 * @param {'undici' | 'http'} kind
 * @param {string} target
 * @param {string} method
 * @param {string} path
 * @param {(name: string) => unknown} header
 * @returns {What | undefined}
 */
function httpCall(kind, target, method, path, header) {
  const description = describeHttp(method, path)
  if (description === undefined) return undefined
  // The answer may depend on the user.
  const user = `${header('authorization') ?? ''}\n${header('cookie') ?? ''}`
  return { kind, target, hash: hashOf(`${method} ${target}${path}\n${user}`), description }
}

/**
 * Returns a header of a request of undici, whose headers are a flat list of names and values, or a string of lines.
 * @param {unknown} headers
 * @param {string} name
 */
function undiciHeader(headers, name) {
  if (typeof headers === 'string') return new RegExp(`^${name}:(.*)$`, 'im').exec(headers)?.[1]
  if (!Array.isArray(headers)) return undefined
  const index = headers.findIndex((item, at) => at % 2 === 0 && String(item).toLowerCase() === name)
  return index === -1 ? undefined : headers[index + 1]
}

/** @param {{ serverAddress?: unknown, serverPort?: unknown }} context */
function targetOf({ serverAddress, serverPort }) {
  covered.add(serverPort ?? serverAddress)
  return serverPort === undefined ? String(serverAddress ?? '') : `${serverAddress}:${serverPort}`
}

/**
 * @param {string} kind
 * @param {{ command: string, args: string[], serverAddress?: unknown, serverPort?: unknown }} context `args` may include the command
 * @returns {What | undefined}
 */
function redisCall(kind, context) {
  const target = targetOf(context)
  const { command } = context
  const args =
    context.args[0]?.toLowerCase() === command.toLowerCase() && kind === 'redis' ? context.args.slice(1) : context.args
  const description = describeRedis(command, args)
  if (description === undefined) return undefined
  const hash = args.includes(REDACTED) ? undefined : hashOf(`${target} ${command} ${args.join('\0')}`)
  return { kind, target, hash, description }
}

/**
 * @param {string} kind
 * @param {string} target
 * @param {unknown} statement
 * @param {unknown} values undefined if the statement has none
 * @returns {What | undefined}
 */
function sqlCall(kind, target, statement, values) {
  if (typeof statement !== 'string') return undefined
  const description = describeSql(statement)
  if (description === undefined) return undefined
  const text = textOf(values)
  return { kind, target, hash: text === undefined ? undefined : hashOf(`${target} ${statement}\0${text}`), description }
}

function observeChannels() {
  const ofRequest = (/** @type {any} */ { request }) => request
  observe('undici:request:create', ['undici:request:trailers', 'undici:request:error'], ofRequest, ({ request }) => {
    const { origin, method, path, headers } = request
    return httpCall('undici', String(origin), method, path, name => undiciHeader(headers, name))
  })
  const start = HAS_CREATED ? 'http.client.request.created' : 'offloop:doctor:request'
  if (!HAS_CREATED) publishRequests(start)
  observe(start, ['http.client.response.finish', 'http.client.request.error'], ofRequest, ({ request }) => {
    const target = `${request.protocol}//${request.getHeader('host') ?? request.host}`
    return httpCall('http', target, request.method, request.path, name => request.getHeader(name))
  })
  observeDriver('ioredis:command', context => redisCall('ioredis', context))
  observeDriver('node-redis:command', context => redisCall('redis', context))
  for (const name of ['mysql2:query', 'mysql2:execute']) {
    observeDriver(name, context => sqlCall('mysql2', targetOf(context), context.query, context.values))
  }
  for (const name of ['mssql:query', 'mssql:batch', 'mssql:execute']) {
    observeDriver(name, ({ command, procedure, parameters }) => {
      // The values of parameters are not published.
      const values = parameters?.length > 0 ? {} : undefined
      return sqlCall('mssql', '', procedure === undefined ? command : `exec ${procedure}`, values)
    })
  }
}

/** Publishes requests when they are given to an agent, which their constructor does last. @param {string} name */
function publishRequests(name) {
  const created = channel(name)
  replace([[Agent.prototype, 'addRequest']], addRequest => {
    return function (...args) {
      if (state === 'measuring') created.publish({ request: args[0] })
      return Reflect.apply(addRequest, this, args)
    }
  })
}

/** Follows requests from the first call on, so that a server that calls no other service does not pay for that. @returns {undefined} */
function followRequests() {
  if (!HAS_CHEAP_CONTEXT || requests !== undefined) return undefined
  /** @type {AsyncLocalStorage<import('./calls').RequestContext>} */
  const storage = new AsyncLocalStorage()
  requests = storage
  on('http.server.request.start', ({ request }) => {
    const context = { isOver: false }
    contexts.set(request, context)
    storage.enterWith(context)
  })
  on('http.server.response.finish', ({ request }) => {
    const context = contexts.get(request)
    if (context !== undefined) context.isOver = true
  })
}

/** Observes the calls of this thread from `begin` on. */
function install() {
  observeChannels()
  observeSockets({
    isActive: () => state !== 'stopped',
    isCovered: target => covered.has(target),
    begin: (what, below) => (state === 'measuring' ? begin(what, below) : followRequests()),
    end: call => calls.end(call),
    received: (call, bytes) => calls.received(call, bytes),
    drop: call => calls.drop(call)
  })
  return {
    begin() {
      calls = new Calls()
      state = 'measuring'
    },
    sample() {
      calls.sample()
    },
    stop() {
      state = 'stopped'
      calls = new Calls()
    },
    /** @returns {{ downstream: import('./calls').DownstreamFact[], blind?: Record<string, string> }} */
    collect() {
      const downstream = calls.facts()
      if (HAS_CHEAP_CONTEXT) return { downstream }
      return { downstream, blind: { 'n-plus-one': 'following a request across await needs Node.js 24' } }
    }
  }
}

module.exports = { install }
