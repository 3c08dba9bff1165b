'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const timers = require('node:timers')
const { setImmediate, setTimeout } = require('node:timers/promises')
const v8 = require('node:v8')
const vm = require('node:vm')
const { deferred } = require('../support/deferred')

const before = Object.getOwnPropertyDescriptors(Map.prototype)
const probe = require('../../lib/doctor/probe/races').install()

/**
 * Measures a program, and returns its races.
 * @param {() => unknown} program
 */
async function racesOf(program) {
  probe.begin()
  await program()
  return probe.collect().races
}

/**
 * Calls a loader for a key from several contexts while its load lasts.
 * @param {(key: string, loaded: Promise<void>) => Promise<unknown>} load
 * @param {{ key?: string, callers?: number }} [options]
 */
async function stampede(load, { key = '42', callers = 5 } = {}) {
  const { promise, resolve: open } = deferred()
  const calls = []
  for (let caller = 0; caller < callers; caller++) {
    calls.push(load(key, promise))
    await setImmediate()
  }
  open(undefined)
  return Promise.all(calls)
}

/**
 * Repeats a stampede whose key is cleared in between.
 * @param {Map<string, unknown>} map
 * @param {(key: string, loaded: Promise<void>) => Promise<unknown>} load
 * @param {number} [times]
 */
async function stampedes(map, load, times = 4) {
  for (let count = 0; count < times; count++) {
    await stampede(load)
    map.clear()
  }
}

describe('races of Maps', () => {
  test('counts sets over those of other callers, with the line that sets', async () => {
    const cache = new Map()
    /**
     * @param {string} key
     * @param {Promise<void>} loaded
     */
    async function login(key, loaded) {
      if (!cache.has(key)) {
        await loaded
        cache.set(key, { user: key })
      }
      return cache.get(key)
    }
    const [race, ...others] = await racesOf(() => stampedes(cache, login))
    assert.deepEqual(others, [])
    const { frames, missers = [], ...counts } = race
    assert.deepEqual(
      missers.map(({ name }) => name),
      ['login']
    )
    assert.deepEqual(counts, {
      key: '42',
      overwrites: 16,
      absences: 4,
      keys: 1,
      misses: 5,
      stale: 0,
      kinship: 'same',
      expected: 16,
      excess: 0
    })
    assert.equal(frames[0].name, 'login')
    assert.equal(frames[0].file, __filename)
    assert.equal(frames[0].isUser, true)
  })

  test('counts loads that hold the loop one after another', async () => {
    const cache = new Map()
    /**
     * @param {string} key
     * @param {Promise<void>} loaded
     */
    async function login(key, loaded) {
      if (!cache.has(key)) {
        await loaded
        const end = performance.now() + 10
        while (performance.now() < end);
        cache.set(key, { user: key })
      }
      return cache.get(key)
    }
    const [race] = await racesOf(() => stampede(login, { callers: 20 }))
    assert.equal(race.overwrites, 19)
    assert.equal(race.expected, 19)
  })

  test('counts the callers of an absence that set the key after the next one began', async () => {
    const cache = new Map()
    /** @type {(() => void)[]} */
    const answers = []
    async function login() {
      if (!cache.has('42')) {
        const { promise, resolve } = deferred()
        answers.push(() => resolve(undefined))
        await promise
        cache.set('42', {})
      }
    }
    const [race] = await racesOf(async () => {
      for (let absence = 0; absence < 20; absence++) {
        cache.delete('42')
        for (let caller = absence === 0 ? -3 : 0; caller < 6; caller++) {
          login()
          await setImmediate()
        }
        for (const answer of answers.splice(0, 6)) {
          answer()
          await setImmediate()
        }
      }
      for (const answer of answers.splice(0)) answer()
      await setImmediate()
    })
    assert.equal(race.overwrites, race.expected)
    assert.equal(race.excess, 0)
  })

  test('counts callers of one synchronous run', async () => {
    const cache = new Map()
    /** @param {number} key */
    const load = async key => {
      const known = cache.get(key)
      if (known !== undefined) return known
      await setImmediate()
      const value = { key }
      cache.set(key, value)
      return value
    }
    const [race] = await racesOf(() => Promise.all([7, 7, 7].map(load)))
    assert.equal(race.overwrites, 2)
    assert.equal(race.misses, 3)
    assert.equal(race.key, '7')
  })

  test('takes a callback in the function that missed as near', async () => {
    const cache = new Map()
    /**
     * @param {string} key
     * @param {Promise<void>} loaded
     */
    function load(key, loaded) {
      if (cache.has(key)) return Promise.resolve(cache.get(key))
      return loaded.then(() => {
        const value = {}
        cache.set(key, value)
        return value
      })
    }
    const [race] = await racesOf(() => stampedes(cache, load))
    assert.equal(race.overwrites, 16)
    assert.equal(race.kinship, 'near')
  })

  test('follows classes that extend Map or hold one', async () => {
    class Lru extends Map {
      /** @param {string} key */
      get(key) {
        const value = super.get(key)
        if (value === undefined) return undefined
        super.delete(key)
        super.set(key, value)
        return value
      }

      /**
       * @param {string} key
       * @param {unknown} value
       */
      set(key, value) {
        if (super.has(key)) super.delete(key)
        return super.set(key, value)
      }
    }
    class Holder {
      #entries = new Map()

      /** @param {string} key */
      get(key) {
        return this.#entries.get(key)
      }

      /**
       * @param {string} key
       * @param {unknown} value
       */
      set(key, value) {
        this.#entries.set(key, value)
      }

      clear() {
        this.#entries.clear()
      }
    }
    for (const cache of [new Lru(), new Holder()]) {
      const load = async (/** @type {string} */ key, /** @type {Promise<void>} */ loaded) => {
        if (cache.get(key) === undefined) {
          await loaded
          cache.set(key, {})
        }
        return cache.get(key)
      }
      const [race] = await racesOf(() => stampedes(/** @type {any} */ (cache), load))
      assert.equal(race.overwrites, 16, cache.constructor.name)
      assert.equal(race.expected, 16, cache.constructor.name)
      assert.equal(race.kinship, 'same', cache.constructor.name)
      // The methods of a cache are not at fault.
      assert.equal(race.frames[0].name, 'load', cache.constructor.name)
    }
  })

  test('names the line of a helper that sets keys, unless the helper also misses them', async () => {
    const cache = new Map()
    const remember = (/** @type {string} */ key) => cache.set(key, {})
    const lookUp = (/** @type {string} */ key) => cache.get(key)
    const near = async (/** @type {string} */ key, /** @type {Promise<void>} */ loaded) => {
      if (cache.has(key)) return
      await loaded
      remember(key)
    }
    const apart = async (/** @type {string} */ key, /** @type {Promise<void>} */ loaded) => {
      if (lookUp(key) !== undefined) return
      await loaded
      remember(key)
    }
    const [ofHelper] = await racesOf(() => stampedes(cache, near))
    assert.equal(ofHelper.frames[0].name, 'remember')
    const [ofLoad] = await racesOf(() => stampedes(cache, apart))
    assert.equal(ofLoad.frames[0].name, 'apart')
  })

  test('counts loads of callers that first delete an expired value', async () => {
    const cache = new Map()
    const load = async (/** @type {string} */ key, /** @type {Promise<void>} */ loaded) => {
      const known = cache.get(key)
      if (known !== undefined) return known
      cache.delete(key)
      await loaded
      cache.set(key, {})
    }
    const [race] = await racesOf(() => stampedes(cache, load))
    assert.equal(race.overwrites, 16)
    assert.equal(race.expected, 16)
    assert.equal(race.kinship, 'same')
  })

  test('counts loads of a key that is deleted before and between them', async () => {
    const cache = new Map()
    const load = async (/** @type {string} */ key, /** @type {Promise<void>} */ loaded) => {
      if (cache.has(key)) return
      await loaded
      cache.set(key, {})
    }
    const [race] = await racesOf(async () => {
      for (let count = 0; count < 4; count++) {
        const loads = [deferred(), deferred()]
        const calls = [0, 0, 0, 1, 1, 1].map(index => load('a', loads[index].promise))
        // Each set may have its own timer that deletes the key.
        for (let timer = 0; timer < 2; timer++) {
          await setImmediate()
          cache.delete('a')
        }
        for (const { resolve } of loads) {
          resolve(undefined)
          await setImmediate()
          cache.delete('a')
        }
        await Promise.all(calls)
      }
    })
    // Three callers set the key, and after it was deleted three others.
    assert.equal(race.overwrites, 16)
    assert.equal(race.expected, 16)
    assert.equal(race.excess, 0)
    assert.equal(race.misses, 6)
  })

  test('counts loads that arrive after the key was deleted', async () => {
    const cache = new Map()
    const { promise, resolve: open } = deferred()
    const load = async () => {
      if (cache.get('a') !== undefined) return
      await promise
      cache.set('a', {})
    }
    const [race] = await racesOf(async () => {
      const loading = load()
      await setImmediate()
      cache.delete('a')
      await setImmediate()
      open(undefined)
      await loading
    })
    assert.equal(race.stale, 1)
    assert.equal(race.overwrites, 0)
  })

  test('names readers of a table that another function fills', async () => {
    const clients = new Map()
    const isOnline = (/** @type {string} */ name) => clients.has(name)
    const connect = (/** @type {string} */ name) => clients.set(name, {})
    /** Calls a function as Node.js does. @param {() => unknown} step */
    const turn = step => new Promise(resolve => timers.setImmediate(() => resolve(step())))
    const races = await racesOf(async () => {
      for (let count = 0; count < 4; count++) {
        for (let reader = 0; reader < 3; reader++) await turn(() => isOnline('a'))
        for (let client = 0; client < 3; client++) await turn(() => connect('a'))
        await turn(() => clients.delete('a'))
      }
    })
    assert.deepEqual(
      races.map(({ kinship }) => kinship),
      ['near']
    )
  })

  test('forgets records from before the measurement', async () => {
    const cache = new Map()
    const load = async (/** @type {string} */ key, /** @type {Promise<void>} */ loaded) => {
      if (cache.has(key)) return
      await loaded
      cache.set(key, {})
    }
    await racesOf(() => stampedes(cache, load))
    probe.begin()
    assert.deepEqual(probe.collect().races, [])
    const [race] = await racesOf(() => stampedes(cache, load, 1))
    assert.equal(race.overwrites, 4)
    assert.equal(race.expected, 4)
  })
})

describe('Maps without races', () => {
  /** @type {[string, (cache: Map<any, any>, key: any, loaded: Promise<void>) => Promise<unknown>][]} */
  const programs = [
    [
      'promises that are stored',
      async (cache, key, loaded) => {
        let promise = cache.get(key)
        if (promise === undefined) {
          promise = loaded.then(() => ({}))
          cache.set(key, promise)
          promise.then((/** @type {object} */ value) => cache.set(key, value))
        }
        return promise
      }
    ],
    [
      'a second look after the load',
      async (cache, key, loaded) => {
        if (cache.has(key)) return cache.get(key)
        await loaded
        if (!cache.has(key)) cache.set(key, {})
        return cache.get(key)
      }
    ],
    [
      'counters',
      async (counts, key, loaded) => {
        if ((counts.get(key) ?? 0) > 1000 || (counts.get(key) ?? 0) < 0) return
        counts.set(key, (counts.get(key) ?? 0) + 1)
        await loaded
        counts.set(key, counts.get(key) + 1)
      }
    ],
    [
      'the same value by every caller',
      async (cache, key, loaded) => {
        if (cache.has(key)) return
        await loaded
        cache.set(key, 'value')
      }
    ],
    [
      'a value that is undefined',
      async (cache, key, loaded) => {
        if (!cache.has(key)) cache.set(key, undefined)
        cache.get(key)
        await loaded
        cache.set(key, { key })
      }
    ],
    [
      'keys that are objects or NaN',
      async (cache, _key, loaded) => {
        for (const key of [programs, Number.NaN, Symbol.iterator]) {
          if (cache.has(key)) continue
          await loaded
          cache.set(key, {})
        }
      }
    ]
  ]
  for (const [name, program] of programs) {
    test(name, async () => {
      const cache = new Map()
      assert.deepEqual(await racesOf(() => stampedes(cache, (key, loaded) => program(cache, key, loaded))), [])
    })
  }

  test('one flight beside a cache that is refreshed later', async () => {
    const cache = new Map()
    const flights = new Map()
    const load = async (/** @type {string} */ key, /** @type {Promise<void>} */ loaded) => {
      const known = cache.get(key)
      if (known !== undefined) return known
      let flight = flights.get(key)
      if (flight === undefined) {
        flight = loaded.then(() => {
          cache.set(key, {})
          flights.delete(key)
        })
        flights.set(key, flight)
      }
      return flight
    }
    const races = await racesOf(async () => {
      const began = performance.now()
      await stampede(load)
      // Sets count as those of racing callers within four times the load.
      await setTimeout(5 * (performance.now() - began) + 50)
      cache.set('42', {})
      cache.set('42', {})
    })
    assert.deepEqual(races, [])
  })

  test('readers that do not set a key before it is deleted are answered by no set', async () => {
    const jobs = new Map()
    const isDone = async (/** @type {string} */ job) => jobs.get(job)?.state === 'done'
    const [race] = await racesOf(async () => {
      for (let job = 0; job < 4; job++) {
        for (let reader = 0; reader < 5; reader++) await Promise.all([isDone('a'), setImmediate()])
        jobs.set('a', { state: 'running' })
        await setImmediate()
        jobs.set('a', { state: 'done' })
        // Far longer than the readers waited for the key.
        await setTimeout(50)
        jobs.delete('a')
      }
    })
    assert.equal(race.overwrites, 4)
    assert.ok(/** @type {number} */ (race.expected) >= 13, String(race.expected))
  })

  test('a poll of a key that is set once', async () => {
    const jobs = new Map()
    const races = await racesOf(async () => {
      for (let count = 0; count < 10; count++) {
        jobs.has('job')
        await setImmediate()
      }
      jobs.set('job', {})
    })
    assert.deepEqual(races, [])
  })
})

describe('the methods of Map', () => {
  test('keep their properties', () => {
    for (const name of /** @type {const} */ (['get', 'has', 'set', 'delete', 'clear'])) {
      const { value, ...attributes } = /** @type {PropertyDescriptor} */ (
        Object.getOwnPropertyDescriptor(Map.prototype, name)
      )
      const { value: original, ...expected } = before[name]
      assert.notEqual(value, original)
      assert.deepEqual(attributes, expected)
      assert.deepEqual(Object.getOwnPropertyDescriptors(value), Object.getOwnPropertyDescriptors(original))
      assert.throws(() => Reflect.construct(Map, [], value), TypeError)
    }
  })

  test('reject other receivers as before', () => {
    probe.begin()
    for (const name of /** @type {const} */ (['get', 'has', 'set', 'delete', 'clear'])) {
      const original = /** @type {Function} */ (before[name].value)
      for (const receiver of [
        undefined,
        null,
        1,
        'text',
        {},
        new Set(),
        new Proxy(new Map(), {}),
        Object.create(new Map())
      ]) {
        /** @param {Function} method */
        const messageOf = method => {
          try {
            Reflect.apply(method, receiver, ['a', 1])
          } catch (error) {
            return String(error)
          }
          return 'no error'
        }
        assert.match(messageOf(original), /TypeError/)
        assert.equal(messageOf(Map.prototype[name]), messageOf(original))
      }
    }
  })

  test('return the same results', () => {
    probe.begin()
    const map = new Map(
      /** @type {[unknown, unknown][]} */ ([
        ['a', 1],
        [Number.NaN, 2]
      ])
    )
    assert.equal(map.set('b', 3), map)
    assert.equal(map.get('a'), 1)
    assert.equal(map.get(Number.NaN), 2)
    assert.equal(map.get('c'), undefined)
    assert.equal(map.delete('c'), false)
    assert.equal(map.delete('a'), true)
    assert.equal(map.has('a'), false)
    assert.equal(map.clear(), undefined)
    assert.equal(map.size, 0)
  })

  test('work on frozen Maps, and on those of other contexts', () => {
    probe.begin()
    const frozen = Object.freeze(new Map())
    assert.equal(frozen.get('a'), undefined)
    assert.equal(frozen.set('a', 1).get('a'), 1)
    const other = vm.runInNewContext('new Map([["a", 1]])')
    assert.equal(Map.prototype.get.call(other, 'a'), 1)
    assert.equal(Map.prototype.get.call(other, 'b'), undefined)
  })

  test('add nothing that the program sees', () => {
    probe.begin()
    const map = new Map()
    map.get('a')
    assert.deepEqual(Reflect.ownKeys(map), [])
  })

  test('do not keep Maps alive', async () => {
    probe.begin()
    v8.setFlagsFromString('--expose-gc')
    const collect = vm.runInNewContext('gc')
    const reference = (() => {
      const map = new Map()
      map.get('a')
      return new WeakRef(map)
    })()
    await setImmediate()
    collect()
    assert.equal(reference.deref(), undefined)
  })

  test('of a program that has frozen them are left alone', () => {
    const { execFileSync } = require('node:child_process')
    const code = `
      Object.freeze(Map.prototype)
      const { blind, races } = require(${JSON.stringify(require.resolve('../../lib/doctor/probe/races'))}).install().collect()
      process.stdout.write(JSON.stringify({ blind: Object.keys(blind), races }))`
    const output = execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' })
    assert.deepEqual(JSON.parse(output), { blind: ['race', 'invalidation'], races: [] })
  })
})
