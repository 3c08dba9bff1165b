'use strict'

// Callers that join the load of a `getMany` whose loader returns nothing for their id: they load it with their own loader.

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { test } = require('node:test')
const { Cache } = require('../..')
const { deferred } = require('../support/deferred')

/** Returns a `loadMany` that waits, and then returns nothing. */
function emptyLoad() {
  const { promise, resolve } = deferred()
  const loadMany = async () => /** @type {Map<string, any>} */ (await promise)
  return { loadMany, end: () => resolve(new Map()) }
}

for (const storage of /** @type {const} */ (['heap', 'native'])) {
  /** @param {Partial<import('../../index').CacheOptions<any, any>>} [options] */
  const open = options => new Cache({ max: 100, storage, ...options })

  test(`a get runs its own loader after a getMany without its id, ${storage}`, async () => {
    const cache = open({ load: id => `own ${id}` })
    const { loadMany, end } = emptyLoad()
    const many = cache.getMany(['a', 'b', 'c'], loadMany)
    const storageOfCaller = new AsyncLocalStorage()
    const one = storageOfCaller.run('caller', () => cache.get('a', () => storageOfCaller.getStore()))
    const { signal } = new AbortController()
    const others = [cache.get('b'), cache.get('b', { signal }), cache.refresh('c'), cache.refresh('c', { signal })]
    end()
    assert.equal((await many).size, 0)
    assert.equal(await one, 'caller')
    assert.deepEqual(await Promise.all(others), ['own b', 'own b', 'own c', 'own c'])
    assert.equal(cache.peek('a'), 'caller')
    assert.equal(cache.stats().inFlight, 0)
  })

  test(`callers that load after a getMany share one load, ${storage}`, async () => {
    let loads = 0
    const cache = open({ load: id => `own ${id} ${++loads}` })
    const { loadMany, end } = emptyLoad()
    cache.getMany(['a'], loadMany)
    const gets = Array.from({ length: 5 }, () => cache.get('a'))
    end()
    assert.deepEqual(await Promise.all(gets), Array(5).fill('own a 1'))
  })

  test(`a getMany runs its own loader after that of another one, once for all its ids, ${storage}`, async () => {
    const cache = open()
    const { loadMany, end } = emptyLoad()
    const first = cache.getMany(['a', 'b', 'c'], loadMany)
    const calls = /** @type {any[]} */ ([])
    const second = cache.getMany(['c', 'd', 'b', 'a'], async ids => {
      calls.push(ids)
      return new Map(ids.filter(id => id !== 'b').map(id => [id, `second ${id}`]))
    })
    end()
    assert.equal((await first).size, 0)
    const expected = ['c', 'd', 'a'].map(id => [id, `second ${id}`])
    assert.deepEqual([...(await second)], expected)
    assert.deepEqual(
      calls.map(ids => ids.sort()),
      [['d'], ['a', 'b', 'c']]
    )
  })

  test(`a getMany runs the cache's own loader after the loadMany of another one, ${storage}`, async () => {
    const cache = open({ load: id => (id === 'bad' ? Promise.reject(new Error('down')) : `own ${id}`) })
    const { loadMany, end } = emptyLoad()
    const first = cache.getMany(['a', 'bad'], loadMany)
    const second = cache.getMany(['a', 'bad', 'z']).catch(error => error)
    end()
    await first
    const { message, results } = await second
    assert.equal(message, "1 of 3 ids could not be loaded: 'bad'")
    assert.deepEqual([...results.values()], ['own a', 'own z'])
  })

  test(`calls with the same loadMany share its answer that an id is absent, ${storage}`, async () => {
    const cache = open()
    const { promise, resolve } = deferred()
    let calls = 0
    const loadMany = async () => {
      calls++
      return /** @type {Map<string, any>} */ (await promise)
    }
    const all = Array.from({ length: 3 }, () => cache.getMany(['a', 'b'], loadMany))
    resolve(new Map([['a', 1]]))
    for (const values of await Promise.all(all)) assert.deepEqual([...values], [['a', 1]])
    assert.equal(calls, 1)
  })

  test(`the absence of an id is accepted after a second load, ${storage}`, async () => {
    const cache = open()
    let calls = 0
    const all = Array.from({ length: 20 }, () =>
      cache.getMany(['a'], async () => {
        calls++
        return new Map()
      })
    )
    const one = cache.get('a', () => 'found')
    for (const values of await Promise.all(all)) assert.ok(values.size === 0 || values.get('a') === 'found')
    assert.equal(await one, 'found')
    assert.ok(calls <= 2, `${calls}`)
    assert.equal(cache.stats().inFlight, 0)
  })

  test(`aborting, closing and recursion end a call that would load again, ${storage}`, async () => {
    const load = () => assert.fail('loads')
    const cache = open({ load })
    const { loadMany, end } = emptyLoad()
    const aborts = new AbortController()
    const many = cache.getMany(['a', 'b'], async () => {
      const values = await loadMany()
      aborts.abort()
      return values
    })
    const reasons = [
      cache.get('a', { signal: aborts.signal }),
      cache.getMany(['a', 'b'], { signal: aborts.signal }),
      cache.refresh('b', { signal: aborts.signal })
    ].map(call => assert.rejects(call, { name: 'AbortError' }))
    end()
    await many
    await Promise.all(reasons)

    const inside = open()
    const nothing = emptyLoad()
    inside.getMany(['y'], nothing.loadMany)
    const outer = inside.get('x', () => inside.get('y', () => inside.get('x', load)))
    nothing.end()
    await assert.rejects(outer, { code: 'ERR_OFFLOOP_RECURSIVE_LOAD' })

    const closing = open({ load })
    const closes = async () => {
      await null
      closing.close()
      return new Map()
    }
    const joined = [closing.getMany(['z'], closes), closing.get('z'), closing.getMany(['z'])]
    for (const call of joined) await assert.rejects(call, { code: 'ERR_OFFLOOP_CLOSED' })
  })
}
