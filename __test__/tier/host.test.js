'use strict'

// Processes of one host that share a cache, with a database in this process.

const assert = require('node:assert/strict')
const { mkdtempSync, rmSync, statSync } = require('node:fs')
const { connect } = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { afterEach, beforeEach, describe, test } = require('node:test')
const { once } = require('node:events')
const { Child } = require('../../examples/traps/child.js')
const { Database } = require('../fixtures/tier/database.js')

const PROCESS = join(__dirname, '../fixtures/tier/process.js')

/** @type {string} */
let path
/** @type {Database} */
let database
/** @type {Child[]} */
let children

beforeEach(async () => {
  path = join(mkdtempSync(join(tmpdir(), 'offloop-tier-')), 'tier')
  database = await new Database().open()
  children = []
})

afterEach(async () => {
  await Promise.all(children.map(child => child.stop()))
  database.close()
  rmSync(path, { recursive: true, force: true })
})

/**
 * @param {number} count
 * @param {{ tier?: object, cache?: object }} [options]
 */
async function start(count, { tier = {}, cache = {} } = {}) {
  // A busy machine must not make the tier seem down.
  const args = [path, JSON.stringify({ timeout: 10_000, ...tier }), JSON.stringify(cache), database.url ?? '']
  const started = Array.from({ length: count }, () => new Child(PROCESS, args))
  children.push(...started)
  await Promise.all(started.map(child => child.ask('ready')))
  return started
}

describe('processes that share a tier', () => {
  test('load an id once for all of their callers', async () => {
    const processes = await start(8)
    database.isHeld = true
    const answers = Promise.all(processes.map(child => child.ask('getAll', { id: '42', callers: 100 })))
    await database.arrived()
    database.release()
    assert.deepEqual(await answers, Array(8).fill(['row of 42']))
    assert.equal(database.count, 1)
  })

  test('load each of many ids once', async () => {
    const processes = await start(8)
    const ids = Array.from({ length: 1000 }, (_, index) => `id ${index}`)
    const rotated = processes.map((_, index) => [...ids.slice(index * 125), ...ids.slice(0, index * 125)])
    await Promise.all(processes.map((child, index) => child.ask('getEach', { ids: rotated[index] })))
    assert.equal(database.count, 1000)
  })

  for (const victim of ['another process', 'the keeper']) {
    test(`repeat a load once if ${victim} dies loading`, async () => {
      const options = { tier: { leaseTtl: 1000 } }
      const [keeper] = await start(1, options)
      const [other, ...others] = await start(4, options)
      const loader = victim === 'the keeper' ? keeper : other
      database.isHeld = true
      const lost = loader.ask('getAll', { id: '42', callers: 100 }).catch(() => {})
      await database.arrived()
      const answers = Promise.all(others.map(child => child.ask('getAll', { id: '42', callers: 100 })))
      database.forget()
      loader.kill()
      await lost
      await database.arrived()
      database.release()
      assert.deepEqual(await answers, Array(3).fill(['row of 42']))
      assert.equal(database.count, 2)
    })
  }

  test('see a change once the tier has acknowledged it, or after maxStale', async () => {
    const [one, other] = await start(2, { tier: { maxStale: 200 } })
    database.rows['42'] = 'old'
    assert.deepEqual(await other.ask('get', { id: '42' }), { value: 'old' })
    assert.deepEqual(await one.ask('get', { id: '42' }), { value: 'old' })
    database.rows['42'] = 'new'
    assert.deepEqual(await one.ask('delete', { id: '42' }), { value: true })
    assert.deepEqual(await one.ask('get', { id: '42' }), { value: 'new' })
    assert.deepEqual(await other.ask('get', { id: '42', options: { maxStale: 0 } }), { value: 'new' })
    assert.deepEqual(await one.ask('set', { id: '42', value: 'newest', options: { everywhere: true } }), {})
    assert.deepEqual(await other.ask('get', { id: '42' }), { value: 'newest' })
    assert.deepEqual(await one.ask('clear'), {})
    assert.deepEqual(await other.ask('get', { id: '42', options: { maxStale: 0 } }), { value: 'new' })
  })

  test('receive the error of a load', async () => {
    const [one, other] = await start(2)
    database.rows['42'] = new Error('no such user')
    database.isHeld = true
    await one.ask('begin', { id: '42' })
    await database.arrived()
    await other.ask('begin', { id: '42' })
    while ((await other.ask('stats')).tier.waits === 0);
    database.release()
    for (const child of [one, other]) {
      assert.deepEqual(await child.ask('outcome'), { code: 'E_DATABASE', message: 'no such user' })
    }
    assert.equal(database.count, 1)
  })
})

describe('the keeper of a host', () => {
  test('is replaced when it is killed, and no change is lost', async () => {
    const processes = await start(3, { tier: { maxStale: 100 } })
    database.rows['42'] = 'old'
    for (const child of processes) await child.ask('get', { id: '42' })
    // Any of the processes may be the keeper.
    for (const [index, victim] of processes.entries()) {
      if (index === processes.length - 1) break
      victim.kill()
      const rest = processes.slice(index + 1)
      for (const child of rest) await child.ask('ready')
      database.rows['42'] = `new ${index}`
      const [writer] = rest
      while ((await writer.ask('delete', { id: '42' })).code !== undefined) await writer.ask('ready')
      for (const child of rest) {
        const { value } = await child.ask('get', { id: '42', options: { maxStale: 0 } })
        assert.equal(value, `new ${index}`)
      }
    }
  })

  test('answers while its event loop is blocked', async () => {
    const processes = await start(2)
    const blocked = processes.map(child => child.ask('block', 1500))
    const [third] = await start(1)
    assert.deepEqual(await third.ask('get', { id: '42' }), { value: 'row of 42' })
    assert.equal(await third.ask('state'), 'sighted')
    await Promise.all(blocked)
  })

  test('survives processes that send garbage or half a frame', async () => {
    const [one] = await start(1)
    const socket = join(path, 'socket-1')
    const frame = (/** @type {unknown} */ header) => {
      const text = Buffer.from(JSON.stringify(header))
      const lengths = Buffer.alloc(8)
      lengths.writeUInt32LE(4 + text.length, 0)
      lengths.writeUInt32LE(text.length, 4)
      return Buffer.concat([lengths, text])
    }
    const hostile = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(64, 0xff),
      frame('text'),
      frame([1, 'constructor', '', '', null]),
      frame([1, 'take', 'users', 's:1', { token: 'x' }]),
      frame([1, 'drop', 'users', '', [1]]),
      frame([-1, 'beat', '', '', 1]),
      frame([1, 'take', 'x'.repeat(2000), 's:1', null])
    ]
    for (const bytes of hostile) {
      const client = connect(socket)
      client.on('error', () => {})
      client.write(bytes)
      client.resume()
      await once(client, 'close')
    }
    const silent = connect(socket)
    await once(silent, 'connect')
    silent.write(Buffer.from([255, 0, 0]))
    assert.deepEqual(await one.ask('get', { id: '1' }), { value: 'row of 1' })
    assert.equal(await one.ask('state'), 'sighted')
    silent.destroy()
  })

  test('has a directory that others cannot enter', async () => {
    await start(1)
    assert.equal(statSync(path).mode & 0o777, 0o700)
  })
})
