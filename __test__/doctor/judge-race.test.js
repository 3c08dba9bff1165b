'use strict'

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { judge, notes, rules } = require('../../lib/doctor/judge/race')
const { facts, stack } = require('../support/doctor-facts')

/**
 * @typedef {import('../../lib/doctor/judge/race').RaceFact} RaceFact
 * @typedef {import('../../lib/doctor/judge/race').DownstreamFact} DownstreamFact
 * @typedef {import('../../lib/doctor/facts').ProcessFacts} ProcessFacts
 */

const LOGIN = 'login t1.js:3 < async handler t1.js:9'

/**
 * @param {Partial<RaceFact>} [fields]
 * @returns {RaceFact}
 */
function race(fields = {}) {
  return {
    key: '42',
    overwrites: 228,
    absences: 12,
    keys: 1,
    misses: 20,
    stale: 0,
    kinship: 'same',
    expected: fields.overwrites ?? 228,
    excess: 0,
    frames: stack(LOGIN),
    ...fields
  }
}

/**
 * @param {Partial<DownstreamFact>} [fields]
 * @returns {DownstreamFact}
 */
function calls(fields = {}) {
  return {
    kind: 'undici',
    target: 'http://db',
    call: 'GET /session/42',
    calls: 200,
    duplicates: 190,
    concurrent: 20,
    meanDuration: 20,
    hashes: {},
    sequential: 0,
    sequentialRequests: 0,
    chance: 10,
    frames: stack('fetch node:internal/deps/undici:1 < query db.js:2 < createSession session.js:7 < handler t1.js:9'),
    ...fields
  }
}

/** @param {...Partial<ProcessFacts>} processes */
function judged(...processes) {
  return judge(facts(processes))
}

/** @param {ReturnType<typeof judged>} findings */
function brief(findings) {
  return findings.map(({ id, confidence, function: name, line }) => `${id} ${confidence} ${name}:${line}`)
}

describe('races', () => {
  test('are certain if many callers of several absences or keys set the values of others', () => {
    const [finding] = judged({ races: [race()] })
    assert.deepEqual(brief([finding]), ['race certain login:3'])
    assert.equal(finding.rule, 1)
    assert.match(finding.evidence.text, /20 callers missed the key '42'/)
    assert.match(
      finding.evidence.text,
      /228 set\(\) calls replaced the value of another caller, for 1 key that was missing 12 times\./
    )
    assert.equal(finding.evidence.overwrites, 228)
    assert.match(finding.fix, /new Cache/)
    assert.deepEqual(brief(judged({ races: [race({ absences: 2, keys: 2, overwrites: 10, misses: 6 })] })), [
      'race certain login:3'
    ])
  })

  test('are less sure with fewer', () => {
    /** @type {[Partial<RaceFact>, string][]} */
    const cases = [
      [{ overwrites: 9 }, 'likely'],
      [{ absences: 1, keys: 1 }, 'likely'],
      [{ misses: 2 }, 'likely'],
      [{ overwrites: 2 }, 'possible']
    ]
    for (const [fields, confidence] of cases) {
      assert.deepEqual(brief(judged({ races: [race(fields)] })), [`race ${confidence} login:3`], JSON.stringify(fields))
    }
  })

  test('of functions that are merely near are likely at most', () => {
    assert.deepEqual(brief(judged({ races: [race({ kinship: 'near' })] })), ['race likely login:3'])
    assert.deepEqual(brief(judged({ races: [race({ kinship: 'near', absences: 1 })] })), ['race possible login:3'])
  })

  test('of a callback in the function that missed are those of the function', () => {
    const within = (/** @type {string} */ text, /** @type {string[]} */ functions) =>
      stack(text).map(frame => ({ ...frame, functions }))
    const frames = within('<anonymous> t1.js:6', ['6:8', '2:0'])
    const missers = within('login t1.js:3', ['2:0'])
    const fields = { kinship: /** @type {const} */ ('near'), absences: 1, frames }
    assert.deepEqual(brief(judged({ races: [race({ ...fields, missers })] })), ['race likely <anonymous>:6'])
    const others = within('isOnline t1.js:9', ['8:0'])
    assert.deepEqual(brief(judged({ races: [race({ ...fields, missers: others })] })), ['race possible <anonymous>:6'])
  })

  test('are less certain or left out if callers that missed a key do not set it, or others do', () => {
    assert.deepEqual(brief(judged({ races: [race({ expected: 320 })] })), ['race likely login:3'])
    assert.deepEqual(brief(judged({ races: [race({ expected: 320, misses: 2 })] })), ['race possible login:3'])
    assert.deepEqual(brief(judged({ races: [race({ expected: 400 })] })), ['race possible login:3'])
    assert.deepEqual(brief(judged({ races: [race({ excess: 100 })] })), ['race possible login:3'])
    assert.deepEqual(judged({ races: [race({ expected: 1000 })] }), [])
    assert.deepEqual(judged({ races: [race({ kinship: 'near', expected: 400 })] }), [])
    assert.deepEqual(judged({ races: [race({ kinship: 'near', excess: 100 })] }), [])
  })

  test('do not include readers of a table that others fill', () => {
    assert.deepEqual(judged({ races: [race({ kinship: 'other' })] }), [])
    assert.deepEqual(judged({ races: [race({ overwrites: 0 })] }), [])
  })

  test('of several processes are one finding', () => {
    const findings = judged(
      { races: [race({ overwrites: 6 })] },
      { races: [race({ overwrites: 6, misses: 4, key: '7' })] }
    )
    assert.deepEqual(brief(findings), ['race certain login:3'])
    assert.equal(findings[0].evidence.overwrites, 12)
    assert.equal(findings[0].evidence.key, '42')
  })

  test('leave out an unknown key', () => {
    assert.match(judged({ races: [race({ key: '' })] })[0].evidence.text, /missed a key before/)
  })

  test('include the equal calls that load the values', () => {
    const downstream = [calls({ frames: stack('query db.js:2 < login t1.js:3') })]
    const [finding, ...others] = judged({ races: [race({ overwrites: 5 })], downstream })
    assert.deepEqual(others, [])
    assert.deepEqual(brief([finding]), ['race certain login:3'])
    assert.match(
      finding.evidence.text,
      /95 % of 200 calls like "GET \/session\/42" duplicated a call in flight, up to 20 together/
    )
    assert.equal(/** @type {any} */ (finding.evidence.calls)[0].duplicates, 190)
  })

  test('include the equal calls of a function around the callback that sets', () => {
    const within = (/** @type {string} */ text, /** @type {string[]} */ functions) =>
      stack(text).map((frame, index) => (index === 0 ? { ...frame, functions } : frame))
    const races = [race({ kinship: 'near', frames: within('<anonymous> tokens.js:16', ['13:4', '8:0']) })]
    const downstream = [calls({ frames: within('tokenFor tokens.js:10', ['8:0']) })]
    assert.deepEqual(brief(judged({ races, downstream })), ['race certain <anonymous>:16'])
    const others = [calls({ frames: within('<anonymous> tokens.js:18', ['17:0']) })]
    assert.equal(judged({ races, downstream: others }).length, 2)
  })

  test('include calls of a pool, whose stack has no line of the program', () => {
    const frames = stack('query node_modules/pg/lib/client.js:2 < onConnect node_modules/pg-pool/index.js:9')
    const findings = judged({ races: [race()], downstream: [calls({ kind: 'pg', frames })] })
    assert.deepEqual(brief(findings), ['race certain login:3'])
  })

  test('do not include equal calls of other functions', () => {
    const downstream = [calls({ frames: stack('config config.js:2') })]
    assert.deepEqual(brief(judged({ races: [race()], downstream })), [
      'race certain login:3',
      'stampede likely config:2'
    ])
  })
})

describe('invalidations', () => {
  test('that a value outlives are possible', () => {
    const findings = judged({ races: [race({ overwrites: 0, stale: 3 })] })
    assert.deepEqual(brief(findings), ['invalidation possible login:3'])
    assert.deepEqual(judged({ races: [race({ overwrites: 0, stale: 3, kinship: 'near' })] }), [])
    // The other callers waited for the same value.
    assert.equal(judged({ races: [race({ overwrites: 0, expected: 60, stale: 3 })] }).length, 1)
    assert.deepEqual(judged({ races: [race({ overwrites: 5, expected: 60, stale: 3 })] }), [])
    assert.match(findings[0].evidence.text, /^3 set\(\) calls stored values requested before the key was deleted/)
  })
})

describe('stampedes', () => {
  test('are likely if most requests need no call', () => {
    const [finding] = judged({ downstream: [calls()] })
    assert.deepEqual(brief([finding]), ['stampede likely query:2'])
    assert.equal(finding.evidence.duplicates, 190)
    assert.equal(finding.title, 'identical calls in flight')
  })

  test('are possible if nearly every request calls, or calls are equal by chance', () => {
    assert.deepEqual(brief(judged({ downstream: [calls({ calls: 900, duplicates: 800 })] })), [
      'stampede possible query:2'
    ])
    assert.deepEqual(brief(judged({ downstream: [calls({ chance: 150 })] })), ['stampede possible query:2'])
    const requests = { count: 0, errors: 0, routes: [] }
    assert.deepEqual(brief(judged({ requests, downstream: [calls()] })), ['stampede possible query:2'])
  })

  test('are likely if all requests make one call that has no value of theirs', () => {
    const constant = calls({ calls: 900, duplicates: 800, call: 'GET /rates/today', hashes: { a: 900 } })
    const ofRoute = (/** @type {string} */ route, /** @type {Partial<DownstreamFact>} */ fields) => {
      const routes = [
        { method: 'GET', route, count: 900, errors: 0, held: 0, waited: 0, durations: /** @type {any} */ ({}) }
      ]
      return brief(judged({ requests: { count: 900, errors: 0, routes }, downstream: [{ ...constant, ...fields }] }))
    }
    assert.deepEqual(ofRoute('/convert/:id', {}), ['stampede likely query:2'])
    assert.deepEqual(ofRoute('/', { kind: 'redis', call: 'GET settings:theme' }), ['stampede likely createSession:7'])
    for (const [route, fields] of /** @type {[string, Partial<DownstreamFact>][]} */ ([
      ['/', { hashes: { a: 500, b: 400 } }],
      ['/', { call: 'GET /rates/7' }],
      ['/', { call: 'GET /rates?…' }],
      ['/', { call: 'GET /' }],
      ['/pages/today', {}]
    ])) {
      assert.deepEqual(ofRoute(route, fields), ['stampede possible query:2'], JSON.stringify(fields))
    }
  })

  test('of an unknown protocol are likely if the calls read', () => {
    /** @type {[Partial<DownstreamFact>, string][]} */
    const cases = [
      [{}, 'possible'],
      [{ access: 'unknown', meanAnswer: 5 }, 'possible'],
      [{ access: 'unknown', meanAnswer: 200 }, 'likely'],
      [{ access: 'read' }, 'likely']
    ]
    for (const [fields, confidence] of cases) {
      const downstream = [calls({ kind: 'socket', ...fields })]
      assert.deepEqual(brief(judged({ downstream })), [`stampede ${confidence} createSession:7`])
      const series = { duplicates: 0, sequential: 15, sequentialRequests: 70 }
      assert.deepEqual(brief(judged({ downstream: [{ ...downstream[0], ...series }] })), [
        `n-plus-one ${confidence} createSession:7`
      ])
    }
  })

  test('do not include few or fast calls', () => {
    for (const fields of [{ duplicates: 19 }, { calls: 960 }, { meanDuration: 0.8 }]) {
      assert.deepEqual(judged({ downstream: [calls(fields)] }), [], JSON.stringify(fields))
    }
  })

  test('have the line that calls a client of the program, not that of the client', () => {
    const lineOf = (/** @type {string} */ text, /** @type {string} */ kind) => {
      const frames = stack(text).map(frame => ({ ...frame, isAwaited: frame.name === 'flags' }))
      return brief(judged({ downstream: [calls({ frames, kind })] }))
    }
    const socket = 'write node:net:9 < send redis.js:3 < get redis.js:7'
    assert.deepEqual(lineOf(`${socket} < flags app.js:5`, 'redis'), ['stampede likely flags:5'])
    assert.deepEqual(lineOf(`${socket} < flags redis.js:12 < handler redis.js:20`, 'redis'), [
      'stampede likely flags:12'
    ])
    assert.deepEqual(lineOf(socket, 'redis'), ['stampede likely send:3'])
    // Packages, and clients of HTTP, which Node.js has.
    const pool = 'query node_modules/pg/client.js:2 < find users.js:4 < handler app.js:5'
    assert.deepEqual(lineOf(pool, 'pg'), ['stampede likely find:4'])
    assert.deepEqual(lineOf('get node:http:1 < find users.js:4 < handler app.js:5', 'http'), ['stampede likely find:4'])
  })

  test('without a stack are named by the client', () => {
    const [finding] = judged({ downstream: [calls({ frames: [] })] })
    assert.equal(finding.file, '')
    assert.equal(finding.title, 'identical calls in flight: undici')
  })
})

describe('sequential calls', () => {
  const series = { duplicates: 0, sequential: 15, sequentialRequests: 70 }

  test('are likely if several requests make them', () => {
    const [finding, ...others] = judged({ downstream: [calls(series)] })
    assert.deepEqual(others, [])
    assert.deepEqual(brief([finding]), ['n-plus-one likely query:2'])
    assert.match(finding.evidence.text, /^70 requests made 10 or more calls .* up to 15; each took 20 ms/)
  })

  test('have the line of the loop, not that of a function that it calls', () => {
    /** @type {[string, string][]} */
    const cases = [
      ['send client.js:7 < price basket.js:4 [for of] < async serve app.js:2', 'price:4'],
      ['send client.js:7 [for] < price basket.js:4 [for of] < async serve app.js:2 [while]', 'price:4'],
      [
        'send client.js:7 < price basket.js:4 < async handler app.js:9 [for of] < async serve app.js:2 [while]',
        'handler:9'
      ],
      ['send client.js:7 < lines orders.js:3 [for] < handler app.js:9 [for await]', 'lines:3'],
      ['send client.js:7 < price basket.js:4 [for await]', 'price:4'],
      ['send client.js:7 < price basket.js:4', 'send:7']
    ]
    for (const [text, line] of cases) {
      const findings = judged({ downstream: [calls({ ...series, frames: stack(text) })] })
      assert.deepEqual(brief(findings), [`n-plus-one likely ${line}`])
    }
  })

  test('are possible in few requests, or if they may have their order', () => {
    for (const fields of [{ sequentialRequests: 2 }, { call: 'PUT /part/1' }]) {
      assert.deepEqual(brief(judged({ downstream: [calls({ ...series, ...fields })] })), [
        'n-plus-one possible query:2'
      ])
    }
    assert.deepEqual(
      brief(
        judged({
          downstream: [calls({ ...series, kind: 'pg', call: 'INSERT INTO a VALUES (1)', frames: stack('load a.js:2') })]
        })
      ),
      ['n-plus-one likely load:2']
    )
  })
})

test('nothing is found in nothing', () => {
  assert.deepEqual(judged({}), [])
  assert.deepEqual(
    rules.map(({ rule, id }) => `${rule} ${id}`),
    ['1 race', '1 invalidation', '1 stampede', '1 n-plus-one']
  )
})

test('a note names what races cannot be seen', () => {
  assert.match(notes(facts([{}])).race ?? '', /plain objects/)
  assert.deepEqual(notes(facts([{ blind: { race: 'frozen' } }])), {})
})
