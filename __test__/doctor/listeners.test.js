'use strict'

const assert = require('node:assert/strict')
const { EventEmitter, once, setMaxListeners } = require('node:events')
const { before, beforeEach, test } = require('node:test')
const { pathToFileURL } = require('node:url')
const { node } = require('../support/child')

const original = {
  on: EventEmitter.prototype.on,
  prependListener: EventEmitter.prototype.prependListener,
  addEventListener: EventTarget.prototype.addEventListener,
  setInterval: globalThis.setInterval
}
const probe = require('../../lib/doctor/probe/listeners').install()

const nothing = () => {}

/** Returns the line of the caller's code, by a mark in its text. @param {string} mark */
function lineOf(mark) {
  const lines = require('node:fs').readFileSync(__filename, 'utf8').split('\n')
  return lines.findIndex(line => line.includes(`// ${mark}`)) + 1
}

/** @param {import('../../lib/doctor/facts').Site} site */
function guilty({ frames }) {
  const frame = frames.find(({ isUser }) => isUser)
  assert.equal(frame?.file, __filename)
  return frame?.line
}

/**
 * @param {number} count
 * @param {(index: number) => void} call
 */
function times(count, call) {
  for (let index = 0; index < count; index++) call(index)
}

before(() => assert.deepEqual(probe.collect().blind, {}))
beforeEach(() => probe.begin())

test('wrappers look like the originals', () => {
  for (const [name, owner] of /** @type {const} */ ([
    ['on', EventEmitter.prototype],
    ['prependListener', EventEmitter.prototype],
    ['addEventListener', EventTarget.prototype],
    ['setInterval', globalThis]
  ])) {
    const wrapper = /** @type {any} */ (owner)[name]
    assert.notEqual(wrapper, original[name])
    assert.equal(wrapper.name, original[name].name)
    assert.equal(wrapper.length, original[name].length)
    assert.deepEqual(Reflect.ownKeys(wrapper), Reflect.ownKeys(original[name]))
  }
  assert.equal(EventEmitter.prototype.on, EventEmitter.prototype.addListener)
  assert.equal(globalThis.setInterval, require('node:timers').setInterval)
  const { enumerable } = /** @type {PropertyDescriptor} */ (
    Object.getOwnPropertyDescriptor(EventEmitter.prototype, 'on')
  )
  assert.equal(enumerable, true)
})

test('an ES module that was loaded before has the wrapper of setInterval', async () => {
  const program = `
    import * as timers from 'node:timers'
    import { createRequire } from 'node:module'
    const original = timers.setInterval
    createRequire(${JSON.stringify(pathToFileURL(__filename).href)})('../../lib/doctor/probe/listeners').install()
    console.log(timers.setInterval === globalThis.setInterval, timers.setInterval === original)`
  const { stdout, stderr } = await node(['--input-type=module', '--eval', program])
  assert.equal(stdout, 'true false\n', stderr)
})

test('wrappers fail like the originals', () => {
  const messageOf = (/** @type {() => void} */ call) => {
    try {
      call()
    } catch (error) {
      return `${/** @type {any} */ (error).code} ${/** @type {Error} */ (error).message}`
    }
    return assert.fail('it does not throw')
  }
  const pairs = /** @type {[Function, Function, unknown, unknown[]][]} */ ([
    [original.on, EventEmitter.prototype.on, new EventEmitter(), ['x']],
    [original.on, EventEmitter.prototype.on, undefined, ['x', nothing]],
    [original.addEventListener, EventTarget.prototype.addEventListener, {}, ['x', nothing]],
    [original.addEventListener, EventTarget.prototype.addEventListener, new EventTarget(), ['x']],
    [original.setInterval, globalThis.setInterval, undefined, []]
  ])
  for (const [before, after, receiver, args] of pairs) {
    const expected = messageOf(() => Reflect.apply(before, receiver, args))
    assert.equal(
      messageOf(() => Reflect.apply(after, receiver, args)),
      expected
    )
  }
})

test('reports the line that adds listeners of an emitter', () => {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  times(60, () => emitter.on('data', () => {})) // adds to an emitter
  const [fact, ...others] = probe.collect().listeners
  assert.deepEqual(others, [])
  assert.equal(guilty(fact), lineOf('adds to an emitter'))
  const { kind, type, counts, emitters } = fact
  assert.deepEqual(
    { kind, type, emitters, emitter: fact.emitter },
    { kind: 'EventEmitter', type: 'data', emitters: 1, emitter: 'EventEmitter' }
  )
  assert.equal(counts[0].count, 11)
  assert.equal(counts.at(-1)?.count, 60)
})

test('the line that adds most is reported', () => {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  times(12, () => emitter.on('data', () => {}))
  times(100, () => {
    times(9, () => emitter.prependListener('data', () => {})) // adds most
    emitter.once('data', () => {})
  })
  const [fact] = probe.collect().listeners
  assert.equal(guilty(fact), lineOf('adds most'))
})

test('listeners for one event count until they are removed', async () => {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  const waiting = Array.from({ length: 12 }, () => once(emitter, 'ready'))
  const types = probe.collect().listeners.map(({ type }) => type)
  assert.deepEqual(types.sort(), ['error', 'ready'])
  emitter.emit('ready')
  await Promise.all(waiting)
  assert.deepEqual(probe.collect().listeners, [])
})

test('listeners of different types, and up to ten, are not reported', () => {
  const emitter = new EventEmitter()
  times(100, index => emitter.on(`answer ${index}`, () => {}))
  times(10, () => emitter.on('data', () => {}))
  assert.deepEqual(probe.collect().listeners, [])
})

test('a symbol is a type', () => {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  const type = Symbol('secret')
  times(20, () => emitter.on(type, () => {}))
  assert.equal(probe.collect().listeners[0].type, 'Symbol(secret)')
})

test('reports listeners of an AbortSignal and of an EventTarget', () => {
  class Bus extends EventTarget {}
  const { signal } = new AbortController()
  const bus = new Bus()
  setMaxListeners(0, signal, bus)
  times(30, () => signal.addEventListener('abort', () => {})) // adds to a signal
  times(30, () => bus.addEventListener('news', { handleEvent() {} }))
  times(30, () => bus.addEventListener('once more', nothing))
  const facts = probe.collect().listeners
  assert.deepEqual(
    facts.map(({ kind, emitter, type }) => `${kind} ${emitter} ${type}`),
    ['AbortSignal AbortSignal abort', 'EventTarget Bus news']
  )
  assert.equal(guilty(facts[0]), lineOf('adds to a signal'))
  assert.equal(facts[0].counts.at(-1)?.count, 30)
})

test('many emitters of one line are one fact', () => {
  const emitters = Array.from({ length: 1000 }, () => new EventEmitter().setMaxListeners(0))
  for (const emitter of emitters) times(20, () => emitter.on('close', () => {}))
  const facts = probe.collect().listeners
  assert.equal(facts.length, 1)
  assert.equal(facts[0].emitters, 1000)
})

test('an emitter far from the first ones is found when it has many', () => {
  const emitters = Array.from({ length: 100 }, () => new EventEmitter().setMaxListeners(0))
  for (const emitter of emitters) times(11, () => emitter.on('close', () => {}))
  times(300, () => emitters[90].on('close', () => {})) // adds to a late one
  const facts = probe.collect().listeners
  const most = facts.find(fact => fact.counts.at(-1)?.count === 311)
  assert.ok(most)
  assert.equal(guilty(most), lineOf('adds to a late one'))
})

test('the table is bounded, and its counts too', () => {
  const emitters = Array.from({ length: 600 }, (_, index) => ({ index, it: new EventEmitter().setMaxListeners(0) }))
  for (const { index, it } of emitters) times(12, () => it.on(`type ${index}`, () => {}))
  times(1000, () => probe.sample())
  const facts = probe.collect().listeners
  assert.equal(facts.length, 256)
  assert.ok(facts[0].counts.length <= 400)
  assert.ok(facts[0].counts.length >= 200)
  // An emitter with more listeners displaces one with fewer.
  const late = new EventEmitter().setMaxListeners(0)
  times(100, () => late.on('type 1', () => {})) // displaces
  const list = probe.collect().listeners
  assert.equal(list.length, 256)
  const most = list.find(({ counts }) => counts.at(-1)?.count === 100)
  assert.ok(most)
  assert.equal(guilty(most), lineOf('displaces'))
})

test('a getter that throws for the probe does not fail the program', () => {
  let reads = 0
  let allowed = Number.POSITIVE_INFINITY
  const emitter = () => {
    const events = Object.create(null)
    return Object.defineProperty(Object.create(EventEmitter.prototype), '_events', {
      get() {
        if (++reads > allowed) throw new Error('read by the probe')
        return events
      }
    })
  }
  original.on.call(emitter(), 'x', nothing)
  allowed = reads
  reads = 0
  const it = emitter()
  assert.equal(it.on('x', nothing), it)
  assert.equal(reads, allowed + 1)
})

test('what came before the measurement is the first count', () => {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  times(500, () => emitter.on('data', () => {}))
  probe.begin()
  assert.deepEqual(probe.collect().listeners, [])
  times(1, () => emitter.on('data', () => {}))
  assert.equal(probe.collect().listeners[0].counts[0].count, 501)
})

test('reports active intervals by the line that sets them', () => {
  const cleared = Array.from({ length: 50 }, () => setInterval(nothing, 1e6))
  const active = Array.from({ length: 20 }, () => setInterval(nothing, 1e6).unref()) // stays active
  for (const timer of cleared) clearInterval(timer)
  const facts = probe.collect().intervals
  const [leak] = facts.filter(({ counts }) => counts.at(-1)?.count !== 0)
  assert.equal(guilty(leak), lineOf('stays active'))
  assert.equal(leak.counts[0].count, 0)
  assert.equal(leak.counts.at(-1)?.count, 20)
  assert.equal(facts.length, 2)
  for (const timer of active) clearInterval(timer)
  probe.sample()
  assert.ok(probe.collect().intervals.every(({ counts }) => counts.at(-1)?.count === 0))
})

test('the number of many intervals is estimated from few stacks', t => {
  // Each stack is read with a formatter that is defined for it.
  const define = t.mock.method(Reflect, 'defineProperty')
  const active = Array.from({ length: 20_000 }, () => setInterval(nothing, 1e6))
  const [{ counts }] = probe.collect().intervals
  for (const timer of active) clearInterval(timer)
  const { count } = /** @type {{ count: number }} */ (counts.at(-1))
  assert.ok(count > 10_000 && count < 30_000, `${count} of 20,000`)
  const stacks = define.mock.callCount()
  assert.ok(stacks > 32 && stacks < 1000, `${stacks} stacks`)
})

test('intervals get their arguments', async () => {
  const values = await new Promise(resolve => {
    const timer = setInterval(
      (...args) => {
        clearInterval(timer)
        resolve(args)
      },
      1,
      1,
      2,
      3,
      4
    )
  })
  assert.deepEqual(values, [1, 2, 3, 4])
})
