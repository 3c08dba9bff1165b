'use strict'

// The guarantee of the tier under random schedules, and a test of the checker: it must find each injected fault.

const assert = require('node:assert/strict')
const { describe, test } = require('node:test')
const { violationsOf } = require('../support/tier-schedules.js')

test('random schedules keep the guarantee', async () => {
  for (const seed of [1, 2, 3, 4]) assert.deepEqual(await violationsOf(seed, { count: 250 }), [])
})

describe('a fault is found:', () => {
  /** @type {Record<string, { seed: number, mutation: import('../support/tier-simulation.js').Mutation }>} */
  const faults = {
    'a store does not compare the token': {
      seed: 1,
      mutation: {
        rules(rules) {
          const { store } = rules
          rules.store = (record, generation, request, now) => {
            const token = record?.lease?.token ?? request.token
            const lease = record ?? {
              kind: 'lease',
              generation,
              version: '',
              body: undefined,
              lease: { token, until: 0 },
              isAwaited: false,
              refreshAt: 0,
              freshUntil: 0,
              expiresAt: 0
            }
            return store({ ...lease, generation, lease: { token: request.token, until: 0 } }, generation, request, now)
          }
        }
      }
    },
    'all loads of a process have one token': {
      seed: 1,
      mutation: {
        link(link) {
          const token = link.tokens.next()
          link.tokens.next = () => token
        }
      }
    },
    'a message does not outdate loads that have asked before': {
      seed: 1,
      mutation: {
        member(member) {
          const { onMessage } = member
          member.onMessage = (key, message) => {
            if (message.kind !== 'dropped') onMessage(key, message)
          }
        }
      }
    },
    'copies survive a lost connection': {
      seed: 1,
      mutation: {
        member(member) {
          member.onGap = () => {}
        }
      }
    },
    'the message of a delete is sent by the client': {
      seed: 1,
      mutation: {
        simulation(simulation) {
          simulation.relays = true
        }
      }
    },
    'beats are echoed with the replies': {
      seed: 1,
      mutation: {
        simulation(simulation) {
          simulation.echoesWithReplies = true
        }
      }
    },
    'a set has no time limit': {
      seed: 11,
      mutation: {
        rules(rules) {
          const { put } = rules
          rules.put = (record, generation, request, now) =>
            put(record, generation, { ...request, notAfter: Number.MAX_SAFE_INTEGER }, now)
        }
      }
    }
  }
  for (const [name, { seed, mutation }] of Object.entries(faults)) {
    test(name, async () => {
      assert.notDeepEqual(await violationsOf(seed, { count: 500, mutation }), [])
    })
  }
})
