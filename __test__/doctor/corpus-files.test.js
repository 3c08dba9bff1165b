'use strict'

// The servers of examples/doctor run, and their verdicts are well formed. The doctor does not examine them here.

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { existsSync, readFileSync, readdirSync } = require('node:fs')
const http = require('node:http')
const http2 = require('node:http2')
const { join } = require('node:path')
const { createInterface } = require('node:readline')
const { after, describe, test } = require('node:test')
const verdicts = require('../../examples/doctor/verdicts.js')
const { judge } = require('../../lib/doctor/judge/judge.js')
const {
  Builds,
  guiltyLine,
  marks,
  obstacle,
  optionsOf,
  root,
  sourceOf
} = require('../../examples/doctor/support/corpus.js')

/** @typedef {import('../../examples/doctor/verdicts').Verdict} Verdict */
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

const examples = join(root, 'examples', 'doctor')
const preload = join(__dirname, '..', 'fixtures', 'doctor', 'report-start.js')
/** Rule of each id. */
const RULES = new Map(
  judge({ version: 1, node: '', command: [], cores: 2, processes: [] }, { threshold: 25 }).rules.map(it => [
    it.id,
    it.rule
  ])
)
const builds = new Builds()

after(() => builds.close())

test('every program has one verdict', () => {
  const files = readdirSync(join(examples, 'servers'))
  assert.deepEqual(verdicts.map(({ file }) => file).sort(), files.sort())
  const names = verdicts.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
})

test('there are traps of each rule, and healthy programs', () => {
  const rules = new Set(verdicts.flatMap(({ findings }) => findings.map(({ rule }) => rule)))
  for (const rule of RULES.values()) if (rule !== 'concurrency') assert.ok(rules.has(rule), String(rule))
  assert.ok(verdicts.filter(({ findings }) => findings.length === 0).length >= 24)
})

test('each guilty line is marked, once for each finding', () => {
  for (const verdict of verdicts) {
    const lines = verdict.findings.flatMap(finding => guiltyLine(verdict, finding) ?? [])
    const files = new Set([sourceOf(verdict), ...lines.map(({ file }) => file)])
    const marked = [...files].flatMap(file => marks(file).map(({ line }) => ({ file, line })))
    assert.deepEqual(new Set(marked), new Set(lines), verdict.name)
    assert.equal(lines.length, marked.length, verdict.name)
  }
})

test('findings are well formed', () => {
  for (const verdict of verdicts) {
    for (const finding of verdict.findings) {
      assert.equal(RULES.get(finding.id), finding.rule, verdict.name)
      assert.equal(finding.function === undefined, finding.line === undefined, verdict.name)
      const file = guiltyLine(verdict, finding)?.file
      if (finding.function === undefined || finding.function === '<anonymous>' || file === undefined) continue
      assert.ok(readFileSync(file, 'utf8').includes(finding.function), `${verdict.name}: ${finding.function}`)
    }
  }
})

test('loads are well formed', () => {
  for (const verdict of verdicts) {
    const { load } = verdict
    const options = optionsOf(verdict)
    if ('for' in load) assert.deepEqual(options, ['--for', String(load.for)])
    else if ('script' in load) assert.ok(existsSync(join(examples, load.script)))
    else {
      assert.ok(load.paths.length > 0 && load.paths.every(path => path.startsWith('/')), verdict.name)
      assert.ok(load.connections > 0 && load.connections <= 20, verdict.name)
      assert.ok(load.body === undefined || existsSync(join(examples, load.body)), verdict.name)
    }
  }
})

describe('programs start, respond and end', { concurrency: 4 }, () => {
  for (const verdict of verdicts) {
    test(verdict.name, { skip: obstacle(verdict), timeout: 30_000 }, async t => {
      const child = spawn(process.execPath, await builds.commandOf(verdict), {
        cwd: root,
        env: { ...process.env, PORT: '0', NODE_OPTIONS: `--require "${preload}"` },
        stdio: ['ignore', 'pipe', 'pipe']
      })
      t.after(() => child.kill('SIGKILL'))
      const ended = once(child, 'close')
      let complaints = ''
      child.stderr.setEncoding('utf8').on('data', text => {
        complaints += text
      })
      const lines = createInterface(child.stdout)
      const isServer = !('for' in verdict.load)
      const [line] = await Promise.race([first(lines, isServer), ended.then(() => [complaints])])
      const port = Number(/^listening on (\d+)$/.exec(line)?.[1])
      if (isServer) await respond(verdict, port)
      else assert.equal(line, 'connecting')
      child.kill('SIGTERM')
      assert.deepEqual(await ended, [null, 'SIGTERM'], complaints)
      assert.doesNotMatch(complaints.replaceAll(/^.*EPIPE.*$/gm, ''), /^\w*Error/m)
    })
  }
})

/**
 * Waits for the line that says that a program is ready. It may print no others.
 * @param {import('node:readline').Interface} lines
 * @param {boolean} isServer
 * @returns {Promise<[string]>}
 */
function first(lines, isServer) {
  return new Promise((resolve, reject) => {
    lines.on('line', line => {
      if (line.startsWith('listening on ')) resolve([line])
      else if (line !== 'connecting') reject(new Error(`printed ${line}`))
      else if (!isServer) resolve([line])
    })
  })
}

/**
 * @param {Verdict} verdict
 * @param {number} port
 */
async function respond({ load }, port) {
  if (!('paths' in load)) return assert.equal(await statusOfHttp2(port), 200)
  const { paths, method = 'GET', body } = load
  const text = body === undefined ? undefined : readFileSync(join(examples, body))
  await Promise.all(
    [...new Set(paths)].map(async path => {
      assert.equal(await statusOf(port, path, method, text), path === '/missing' ? 404 : 200, path)
    })
  )
}

/**
 * @param {number} port
 * @param {string} path
 * @param {string} method
 * @param {Buffer | undefined} body
 */
async function statusOf(port, path, method, body) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const request = http.request({ port, path, method, headers, agent: false }).end(body)
  const [response] = await once(request, 'response')
  await once(response.resume(), 'end')
  return response.statusCode
}

/** @param {number} port */
async function statusOfHttp2(port) {
  const session = http2.connect(`http://localhost:${port}`)
  const stream = session.request({ ':path': '/' })
  const [headers] = await once(stream, 'response')
  await once(stream.resume(), 'end')
  session.close()
  return headers[':status']
}
