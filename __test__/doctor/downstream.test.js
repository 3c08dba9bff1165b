'use strict'

const assert = require('node:assert/strict')
const { tracingChannel } = require('node:diagnostics_channel')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { after, before, describe, test } = require('node:test')
const { setTimeout } = require('node:timers/promises')
const { deferred } = require('../support/deferred')

const original = Object.getOwnPropertyDescriptors(net.Socket.prototype)
const probe = require('../../lib/doctor/probe/downstream').install()
const MAJOR = Number(process.versions.node.split('.')[0])

/** @typedef {import('../../lib/doctor/probe/calls').DownstreamFact} DownstreamFact */

/**
 * Measures a program, and returns its calls of other services.
 * @param {() => unknown} program
 */
async function callsOf(program) {
  probe.begin()
  await program()
  return probe.collect().downstream
}

/** @param {DownstreamFact[]} facts */
function brief(facts) {
  return facts.map(({ kind, call, calls, duplicates, concurrent }) => ({ kind, call, calls, duplicates, concurrent }))
}

/** @param {import('node:net').Server} server */
async function listen(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port
}

describe('HTTP', () => {
  /** Answers when as many requests as the header says wait. @type {http.ServerResponse[]} */
  let waiting = []
  const server = http.createServer((request, response) => {
    waiting.push(response)
    if (waiting.length < Number(request.headers.together ?? 1)) return
    for (const it of waiting) it.end('answer')
    waiting = []
  })
  let url = ''
  before(async () => {
    url = `http://127.0.0.1:${await listen(server)}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  /**
   * @param {string} path
   * @param {number} together
   * @param {RequestInit} [options]
   */
  async function load(path, together, options = {}) {
    const headers = { together: String(together), ...options.headers }
    const response = await fetch(url + path, { ...options, headers })
    return response.text()
  }

  test('of fetch: equal requests in flight, with the line that makes them', async () => {
    const facts = await callsOf(async () => {
      await Promise.all([load('/users/1', 3), load('/users/1', 3), load('/users/1', 3)])
      await load('/users/1', 1)
    })
    assert.deepEqual(brief(facts), [{ kind: 'undici', call: 'GET /users/1', calls: 4, duplicates: 2, concurrent: 3 }])
    const [{ target, frames, meanDuration, hashes, chance }] = facts
    assert.equal(target, url)
    assert.equal(frames.find(({ isUser }) => isUser)?.name, 'load')
    assert.ok(meanDuration > 0)
    assert.deepEqual(Object.values(hashes), [4])
    assert.match(Object.keys(hashes)[0], /^[0-9a-f]{16}$/)
    assert.ok(chance > 0 && chance <= 4)
  })

  test('that all differ have the line that makes them', async () => {
    const [{ frames, duplicates }] = await callsOf(() => load('/users/1', 1))
    assert.equal(duplicates, 0)
    assert.equal(frames.find(({ isUser }) => isUser)?.name, 'load')
  })

  test('of http.get', async () => {
    const get = () => {
      const { promise, resolve } = deferred()
      const request = http.get(`${url}/items?id=7`, { headers: { together: '2' } }, response => {
        response.resume().on('end', () => resolve(undefined))
      })
      assert.deepEqual(
        Reflect.ownKeys(request).filter(key => String(key).includes('offloop')),
        []
      )
      return promise
    }
    const facts = await callsOf(() => Promise.all([get(), get()]))
    assert.deepEqual(brief(facts), [{ kind: 'http', call: 'GET /items?…', calls: 2, duplicates: 1, concurrent: 2 }])
    assert.equal(facts[0].frames.find(({ isUser }) => isUser)?.name, 'get')
  })

  test('for an access token are equal', async () => {
    const token = () => load('/oauth/token', 2, { method: 'POST', body: 'grant_type=client_credentials' })
    const [{ duplicates, access }] = await callsOf(() => Promise.all([token(), token()]))
    assert.deepEqual([duplicates, access], [1, 'read'])
  })

  test('of different users, queries and methods are not equal', async () => {
    const facts = await callsOf(() =>
      Promise.all([
        load('/a?x=1', 6),
        load('/a?x=2', 6),
        load('/a?x=1', 6, { headers: { authorization: 'Bearer a' } }),
        load('/a?x=1', 6, { headers: { cookie: 'session=a' } }),
        load('/a', 6, { method: 'POST', body: 'x' }),
        load('/a', 6, { method: 'POST', body: 'x' })
      ])
    )
    assert.deepEqual(
      facts.map(({ calls, duplicates }) => [calls, duplicates]),
      [
        [4, 0],
        [2, 0]
      ]
    )
  })

  test('of checks of health is not counted', async () => {
    assert.deepEqual(
      await callsOf(() => Promise.all([load('/healthz', 3), load('/metrics', 3), load('/billing/health', 3)])),
      []
    )
  })

  test('that fails is counted once', async () => {
    const closed = http.createServer()
    const port = await listen(closed)
    closed.close()
    await once(closed, 'close')
    const facts = await callsOf(() => fetch(`http://127.0.0.1:${port}/x`).catch(() => {}))
    assert.deepEqual(brief(facts), [{ kind: 'undici', call: 'GET /x', calls: 1, duplicates: 0, concurrent: 1 }])
  })

  test('one after another in a request', async () => {
    const app = http.createServer(async (_request, response) => {
      async function loadAll() {
        for (let id = 0; id < 12; id++) await load(`/users/${id}`, 1)
        for (let page = 0; page < 12; page++) await load(`/list?page=${page}`, 1)
        await Promise.all(Array.from({ length: 12 }, (_, id) => load(`/orders/${id}`, 1)))
        for (let id = 0; id < 12; id++) await Promise.all([load(`/prices/${id}`, 1), setTimeout(25)])
        for (let poll = 0; poll < 12; poll++) await Promise.all([load('/jobs/1', 1), setTimeout(50)])
        // Ids without digits are known by their number.
        for (let id = 0; id < 40; id++) await load(`/authors/${'abcdefghijklmnopqrstuvwxyz'[id] ?? 'x'.repeat(id)}`, 1)
      }
      await loadAll()
      response.end('done')
    })
    const port = await listen(app)
    const { promise, resolve } = deferred()
    probe.begin()
    http.get(`http://127.0.0.1:${port}/`, response => response.resume().on('end', () => resolve(undefined)))
    await promise
    const { downstream, blind } = probe.collect()
    app.closeAllConnections()
    app.close()
    const series = downstream.filter(({ sequential }) => sequential > 0)
    if (MAJOR < 24) {
      assert.deepEqual(series, [])
      assert.match(blind?.['n-plus-one'] ?? '', /Node\.js 24/)
      return
    }
    assert.equal(blind, undefined)
    assert.deepEqual(
      series.map(({ call, sequential, sequentialRequests }) => ({ call, sequential, sequentialRequests })),
      [
        ['users/0', 12],
        ['prices/0', 12],
        ['authors/y', 16]
      ].map(([name, sequential]) => ({ call: `GET /${name}`, sequential, sequentialRequests: 1 }))
    )
    assert.equal(series[0].frames.find(({ isUser, name }) => isUser && name === 'loadAll')?.file, __filename)
  })
})

describe('drivers with channels', () => {
  /**
   * Publishes calls as the driver does.
   * @param {string} name
   * @param {object[]} contexts of calls in flight together
   */
  async function publish(name, contexts) {
    const { promise, resolve } = deferred()
    const channel = tracingChannel(name)
    const all = contexts.map(context => channel.tracePromise(() => promise, context))
    resolve(undefined)
    await Promise.all(all)
  }
  const server = { serverAddress: 'localhost', serverPort: 1 }
  const get = { command: 'get', args: ['user:1'], ...server }
  const nodeGet = { command: 'GET', args: ['GET', 'user:1'], ...server }
  const select = { query: 'SELECT * FROM users WHERE id = ?', values: [1], ...server }

  /** @type {[string, object[], object[]][]} */
  const cases = [
    ['ioredis:command', [get, get], [{ kind: 'ioredis', call: 'GET user:1', calls: 2, duplicates: 1, concurrent: 2 }]],
    [
      'node-redis:command',
      [nodeGet, nodeGet],
      [{ kind: 'redis', call: 'GET user:1', calls: 2, duplicates: 1, concurrent: 2 }]
    ],
    [
      'mysql2:execute',
      [select, select, { ...select, values: [2] }],
      [{ kind: 'mysql2', call: 'SELECT * FROM users WHERE id = ?', calls: 3, duplicates: 1, concurrent: 2 }]
    ],
    [
      'mssql:query',
      [
        { command: 'select 1 from a', parameters: [] },
        { command: 'select 1 from a', parameters: [] },
        { command: 'select 1 from a', parameters: ['id'] }
      ],
      [{ kind: 'mssql', call: 'select 1 from a', calls: 3, duplicates: 1, concurrent: 2 }]
    ]
  ]
  for (const [name, contexts, expected] of cases) {
    test(name, async () => {
      assert.deepEqual(
        brief(
          await callsOf(() =>
            publish(
              name,
              contexts.map(it => ({ ...it }))
            )
          )
        ),
        expected
      )
    })
  }

  test('do not share what writes, what differs each time, and arguments that are hidden', async () => {
    const equal = [
      { ...select, query: 'INSERT INTO a VALUES (1)', values: undefined },
      { ...select, query: "SELECT nextval('ids')", values: undefined },
      { ...select, query: 'SELECT a FROM b WHERE c = ?', values: [{ toJSON: () => assert.fail() }] }
    ]
    const facts = await callsOf(async () => {
      for (const it of equal) await publish('mysql2:query', [{ ...it }, { ...it }])
      for (const it of [
        { ...get, command: 'incr' },
        { ...get, command: 'hget', args: ['?', '?'] }
      ]) {
        await publish('ioredis:command', [{ ...it }, { ...it }])
      }
    })
    assert.deepEqual(
      facts.map(({ calls, duplicates }) => [calls, duplicates]),
      [2, 2, 2, 2, 2].map(calls => [calls, 0])
    )
  })

  test('do not count the protocol', async () => {
    const facts = await callsOf(async () => {
      for (const query of ['BEGIN', 'COMMIT', 'SELECT 1', 'SET NAMES utf8'])
        await publish('mysql2:query', [{ ...select, query }])
      for (const command of ['ping', 'info', 'auth']) await publish('ioredis:command', [{ ...get, command, args: [] }])
    })
    assert.deepEqual(facts, [])
  })

  test('join statements that differ in their values', async () => {
    const contexts = [1, 2, 3].map(id => ({
      ...select,
      query: `SELECT * FROM users WHERE id = ${id} AND n IN ('a', 'b')`,
      values: []
    }))
    const [fact, ...others] = await callsOf(() => publish('mysql2:query', contexts))
    assert.deepEqual(others, [])
    assert.equal(fact.calls, 3)
    assert.equal(Object.keys(fact.hashes).length, 3)
  })

  test('may publish anything', async () => {
    const odd = [{}, { command: 7, args: null }, { query: { sql: 'x' } }, { ...select }]
    const facts = await callsOf(async () => {
      for (const name of ['ioredis:command', 'mysql2:query', 'mssql:query']) await publish(name, odd)
    })
    assert.deepEqual(
      facts.map(({ kind }) => kind),
      ['mysql2']
    )
  })

  test('with a hot key among others have a fact for it', async () => {
    const facts = await callsOf(async () => {
      await publish(
        'mysql2:query',
        Array.from({ length: 30 }, () => ({ ...select }))
      )
      for (let id = 100; id < 300; id++) await publish('mysql2:query', [{ ...select, values: [id] }])
    })
    assert.deepEqual(
      facts.map(({ calls, duplicates }) => [calls, duplicates]),
      [
        [230, 29],
        [30, 29]
      ]
    )
    assert.deepEqual(facts[1].hashes, {})
  })

  test('are bounded', async () => {
    const facts = await callsOf(async () => {
      for (let id = 0; id < 5000; id++) await publish('mysql2:query', [{ ...select, values: [id] }])
      probe.sample()
      for (let table = 0; table < 300; table++) {
        await publish('mysql2:query', [{ ...select, query: `SELECT a FROM t${'x'.repeat(table)}` }])
      }
    })
    assert.equal(facts.length, 256)
    assert.equal(facts[0].calls, 5000)
    assert.ok(Object.keys(facts[0].hashes).length <= 256)
  })
})

describe('sockets of clients without channels', () => {
  /** Sockets of the server by their first line, and lines that were not answered. @type {{ socket: net.Socket, line: string }[]} */
  let asked = []
  let arrived = deferred()
  let expected = 0
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', data => {
      asked.push({ socket, line: String(data) })
      if (asked.length >= expected) arrived.resolve(undefined)
    })
  })
  let port = 0
  before(async () => {
    port = await listen(server)
  })
  after(() => {
    server.close()
  })

  /**
   * Writes each text to another socket, and answers once all have arrived.
   * @param {(string | Buffer)[]} texts
   * @param {'answered' | 'closed'} [end]
   */
  async function exchange(texts, end = 'answered') {
    asked = []
    arrived = deferred()
    expected = texts.length
    const sockets = await Promise.all(
      texts.map(async () => {
        const socket = net.connect(port, '127.0.0.1')
        await once(socket, 'connect')
        return socket
      })
    )
    sockets.forEach(function ask(socket, index) {
      socket.write(texts[index])
    })
    await arrived.promise
    if (end === 'answered') {
      const answers = sockets.map(socket => once(socket, 'data'))
      for (const { socket } of asked) socket.write('answer\n')
      await Promise.all(answers)
    }
    const closed = sockets.map(socket => once(socket, 'close'))
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
  }

  test('equal lines in flight', async () => {
    const facts = await callsOf(() => exchange(['get user:1\r\n', 'get user:1\r\n', 'get user:2\r\n']))
    assert.deepEqual(brief(facts), [{ kind: 'socket', call: 'get user:1', calls: 3, duplicates: 1, concurrent: 2 }])
    assert.equal(facts[0].target, `127.0.0.1:${port}`)
    assert.equal(facts[0].frames.find(({ isUser }) => isUser)?.name, 'ask')
  })

  test('in lines and in JSON, by their verbs', async () => {
    const rpc = (/** @type {number} */ id, /** @type {string} */ method) =>
      JSON.stringify({ jsonrpc: '2.0', method, id })
    /** @type {[string, DownstreamFact['access']][]} */
    const cases = [
      ['GET user:1\r\n', 'read'],
      ['7 HGETALL user:1\r\n', 'read'],
      ['SELECT name FROM users WHERE id = 1\n', 'read'],
      ['user:1\n', 'unknown'],
      ['INCR hits\r\n', 'write'],
      ['{"id":1,"op":"get","key":"a"}\n', 'read'],
      ['{"type":"query","sql":"INSERT INTO a VALUES (1)"}\n', 'write'],
      [rpc(1, 'users.findById'), 'read'],
      [rpc(1, 'saveUser'), 'write']
    ]
    for (const [text, access] of cases) {
      const [fact] = await callsOf(() => exchange([text, text]))
      assert.deepEqual([fact.access, fact.duplicates, fact.meanAnswer], [access, access === 'write' ? 0 : 1, 7], text)
    }
    for (const text of ['BEGIN\n', 'DATA\r\n', 'MAIL FROM:<a@b.c>\r\n', '{"op":"ping"}\n', rpc(3, 'health')]) {
      assert.deepEqual(await callsOf(() => exchange([text, text])), [], text)
    }
  })

  test('in lines and in JSON have one template for all keys', async () => {
    const facts = await callsOf(() =>
      exchange([
        ...[1, 2, 3].map(id => `get user:${id}:name\n`),
        ...['a1', 'b2'].map(key => `{"op":"get","key":"${key}"}\n`)
      ])
    )
    assert.deepEqual(
      facts.map(({ calls }) => calls),
      [3, 2]
    )
  })

  test('queries of PostgreSQL, MySQL and Redis', async () => {
    const query = Buffer.from('Q\0\0\0\x20SELECT name FROM users\0')
    const prepared = Buffer.from('P\0\0\0\x20\0SELECT name FROM users WHERE id = $1\0\0\0B\0\0\0\x08\0\0\x011')
    const packet = Buffer.from('\x18\0\0\0\x03SELECT a FROM b')
    const command = '*2\r\n$3\r\nGET\r\n$6\r\nuser:1\r\n'
    const facts = await callsOf(() => exchange([query, query, prepared, prepared, packet, packet, command, command]))
    assert.deepEqual(brief(facts), [
      { kind: 'pg', call: 'SELECT name FROM users', calls: 2, duplicates: 1, concurrent: 2 },
      { kind: 'pg', call: 'SELECT name FROM users WHERE id = $1', calls: 2, duplicates: 1, concurrent: 2 },
      { kind: 'mysql2', call: 'SELECT a FROM b', calls: 2, duplicates: 1, concurrent: 2 },
      { kind: 'redis', call: 'GET user:1', calls: 2, duplicates: 1, concurrent: 2 }
    ])
  })

  test('lines that are never answered are not calls', async () => {
    assert.deepEqual(await callsOf(() => exchange(['count:1|c\n', 'count:1|c\n'], 'closed')), [])
  })

  test('binary protocols, handshakes and writes are not compared', async () => {
    const binary = Buffer.from([0, 1, 2, 3, 200, 201, 202, 203])
    const insert = Buffer.from('Q\0\0\0\x20INSERT INTO users VALUES (1)\0')
    const facts = await callsOf(() => exchange([binary, binary, 'PING\r\n', 'PING\r\n', 'AUTH x\r\n', insert, insert]))
    assert.deepEqual(brief(facts), [
      { kind: 'pg', call: 'INSERT INTO users VALUES (1)', calls: 2, duplicates: 0, concurrent: 1 }
    ])
  })

  test('the size of answers that arrive one after another is known', async () => {
    const [fact] = await callsOf(async () => {
      const connected = once(server, 'connection')
      const socket = net.connect(port, '127.0.0.1')
      const [[connection]] = await Promise.all([connected, once(socket, 'connect')])
      for (const key of [1, 2]) {
        socket.write(`user:${key}\n`)
        await once(connection, 'data')
      }
      for (let answer = 0; answer < 2; answer++) {
        connection.write('x'.repeat(100))
        await once(socket, 'data')
      }
      socket.destroy()
    })
    assert.equal(fact.meanAnswer, 100)
  })

  test('numbers by which a client counts its calls are left out', async () => {
    const facts = await callsOf(async () => {
      const connected = once(server, 'connection')
      const socket = net.connect(port, '127.0.0.1')
      await once(socket, 'connect')
      const [connection] = await connected
      for (const line of ['0 session', '1 session', '2 session', '{"id":3,"key":"a"}', '{"id":4,"key":"a"}']) {
        socket.write(`${line}\n`)
        await once(connection, 'data')
      }
      connection.write('answers\n')
      await once(socket, 'data')
      socket.destroy()
    })
    assert.deepEqual(brief(facts), [
      { kind: 'socket', call: '1 session', calls: 3, duplicates: 2, concurrent: 3 },
      { kind: 'socket', call: '{"id":4,"key":"a"}', calls: 2, duplicates: 1, concurrent: 2 }
    ])
  })

  test('keep their methods', () => {
    for (const name of ['connect', '_writeGeneric', '_destroy']) {
      const { value, ...attributes } = /** @type {PropertyDescriptor} */ (
        Object.getOwnPropertyDescriptor(net.Socket.prototype, name)
      )
      const { value: before, ...expected } = original[name]
      assert.notEqual(value, before)
      assert.deepEqual(attributes, expected)
      assert.equal(value.name, before.name)
      assert.equal(value.length, before.length)
    }
    assert.equal(net.Socket.prototype.push.length, require('node:stream').Duplex.prototype.push.length)
  })
})
