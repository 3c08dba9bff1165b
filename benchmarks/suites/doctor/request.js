'use strict'

// The cost of the doctor's probes in a server at its full rate, while they measure.

const { join } = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { Child } = require('../../../examples/traps/child.js')
const { factsOf } = require('../../../lib/doctor/gather.js')
const { Inbox } = require('../../../lib/doctor/inbox.js')
const { judge } = require('../../../lib/doctor/judge/judge.js')
const { environmentOf } = require('../../../lib/doctor/program.js')

const LOAD = join(__dirname, '..', '..', 'load')
/** V8 compiles the server again and again for about a second, longer with the probes. */
const WARM_UP = 2
const SECONDS = 1
/** Time between two looks at the facts, and the longest wait for them, in milliseconds. */
const LOOK = 50
const PATIENCE = 10_000
/** Milliseconds, the defaults of the command line. */
const SETTINGS = { threshold: 25, profileInterval: 10 }

/**
 * A server, the connections that keep it busy, and the text at the end of its responses.
 * @typedef {{ name: string, what: string, file: string, args: string[], connections: number, end: string }} Server
 */

/** @type {readonly Server[]} */
const SERVERS = [
  {
    name: 'doctor-request',
    what: 'a node:http server at its full rate, 10 connections',
    file: 'hello-server.js',
    args: ['none'],
    connections: 10,
    end: '\r\n\r\nhello'
  },
  {
    name: 'doctor-handler',
    what: 'a node:http server whose handler awaits a database and works for 1 ms, 100 connections',
    file: 'orders-server.js',
    args: [],
    connections: 100,
    end: '"currency":"EUR"}'
  }
]

/** The probes of one server, as the command line starts them. */
class Examination {
  #inbox = new Inbox()
  env = environmentOf({ ...SETTINGS, directory: this.#inbox.directory, program: 'server', reader: process.pid })

  constructor() {
    this.#inbox.command({ phase: 'measure', snapshots: 0 })
  }

  /** Ends the measurement, and returns the cost that its report states, in percent. */
  async statedCost() {
    this.#inbox.command({ phase: 'finish', snapshots: 0 })
    for (
      let waited = 0;
      !this.#inbox
        .read()
        .flat()
        .some(({ type }) => type === 'end');
      waited += LOOK
    ) {
      if (waited > PATIENCE) throw new Error('the probes have written no end')
      await sleep(LOOK)
    }
    const facts = await factsOf(this.#inbox.all(), [], undefined)
    return judge(facts, { threshold: SETTINGS.threshold }).cost.share * 100
  }

  remove() {
    this.#inbox.remove()
  }
}

/**
 * @param {Server} server
 * @param {'offloop' | 'none'} name
 * @returns {import('../../harness/case.js').Contender}
 */
function contender({ file, args, connections, end }, name) {
  return {
    name,
    async round() {
      const examination = name === 'offloop' ? new Examination() : undefined
      const server = new Child(join(LOAD, file), args, examination?.env)
      const clients = new Child(join(LOAD, 'hello-clients.js'))
      try {
        const port = await server.ask('listen')
        await clients.ask('start', { port, connections, end })
        await server.ask('measure', { seconds: WARM_UP })
        const measured = await server.ask('measure', { seconds: SECONDS, multiple: connections })
        return examination === undefined ? measured : { ...measured, 'stated cost': await examination.statedCost() }
      } finally {
        // The clients would report an error if the server went first.
        await clients.stop()
        await server.stop()
        examination?.remove()
      }
    },
    // Each round warms up a new server.
    warm() {}
  }
}

/** @type {import('../../harness/case.js').Case[]} */
const cases = SERVERS.map(server => ({
  name: server.name,
  what: server.what,
  reference: 'none',
  // The processes of one contender differ by a few per cent.
  rounds: 7,
  measures: [
    { name: 'requests', unit: '/s' },
    { name: 'CPU per request', unit: 'µs', target: { of: 'ratio', atMost: 1.05 } },
    { name: 'stated cost', unit: '%' }
  ],
  open: () => [contender(server, 'offloop'), contender(server, 'none')]
}))

module.exports = { cases }
