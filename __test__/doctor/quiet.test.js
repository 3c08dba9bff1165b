'use strict'

// No error of a probe reaches the program, even if the program has changed globals or objects of Node.js.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { text } = require('node:stream/consumers')
const { test } = require('node:test')

const DOCTOR = join(__dirname, '..', '..', 'doctor.js')

const MAP = `
  const map = new Map()
  const load = async key => {
    if (!map.has(key) && map.get(key) === undefined) {
      await new Promise(resolve => setTimeout(resolve, 5))
      map.set(key, {})
    }
  }
  for (let index = 0; index < 4; index++) {
    await Promise.all(['abc', 'abc', 'abc'].map(load))
    map.delete('abc')
  }`
const SOCKET = `
  const { createServer } = require('node:net')
  const server = createServer(socket => socket.pipe(socket)).listen(0)
  await once(server, 'listening')
  const socket = require('node:net').connect(server.address().port)
  await once(socket, 'connect')`
const HTTP = `
  const server = require('node:http').createServer((request, response) => {
    request.originalUrl = { path: '/' }
    const end = performance.now() + 60
    while (performance.now() < end);
    response.end()
  }).listen(0)
  await once(server, 'listening')
  for (let index = 0; index < 4; index++) {
    await (await fetch('http://127.0.0.1:' + server.address().port)).text()
    await new Promise(resolve => setTimeout(resolve, 50))
  }`

/**
 * Runs a program that is examined, and returns how it ended.
 * @param {string} program
 */
async function examined(program) {
  const code = `(async () => {
    const { once } = require('node:events')
    const doctor = await require(${JSON.stringify(DOCTOR)}).examine()
    ${program}
    await doctor.stop()
    console.log('over')
    process.exit()
  })()`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors, [end]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { output, errors, end }
}

for (const [name, program] of [
  ['Error is not extensible', `delete Error.prepareStackTrace; Object.preventExtensions(Error); ${MAP}`],
  ['Error is frozen', `Object.freeze(Error); ${MAP}`],
  ['Error.captureStackTrace throws', `Error.captureStackTrace = () => { throw new TypeError('mine') }; ${MAP}`],
  [
    'a property of a socket is an accessor',
    `${SOCKET}
    Object.defineProperty(socket, '_host', { get() { throw new TypeError('mine') } })
    socket.write('get user 1\\r\\n')
    await once(socket, 'data')`
  ],
  ['a request has another kind of URL', HTTP],
  [
    'a prototype has a method toJSON',
    `Object.prototype.toJSON = () => { throw new TypeError('mine') }
    await new Promise(resolve => setTimeout(resolve, 300))
    delete Object.prototype.toJSON`
  ]
]) {
  test(`the program sees no error of the probes although ${name}`, async () => {
    assert.deepEqual(await examined(program), { output: 'over\n', errors: '', end: 0 })
  })
}
