'use strict'

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const { default: Ajv } = require('ajv')
const ts = require('typescript')
const { json, redact } = require('../../lib/doctor/report/json')
const schema = require('../../lib/doctor/report/schema.json')
const { HOSTILE, fixtureReport, reportOf } = require('../support/doctor-reports')

const DECLARATIONS = join(__dirname, '..', '..', 'doctor.d.ts')

/** Returns the schema without room for unknown properties. */
function strictSchema() {
  return JSON.parse(JSON.stringify(schema), (_, value) => {
    const isOpen = value?.properties !== undefined && value.additionalProperties === undefined
    // An evidence has the figures of its rule.
    return isOpen && value.properties.text === undefined ? { ...value, additionalProperties: false } : value
  })
}

test('the schema accepts a report', () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(strictSchema())
  for (const report of [fixtureReport(), redact(fixtureReport()), reportOf(HOSTILE)]) {
    const isRule = (/** @type {unknown} */ rule) => rule !== HOSTILE
    report.findings = report.findings.filter(({ rule }) => isRule(rule))
    report.rules = report.rules.filter(({ rule }) => isRule(rule))
    assert.ok(validate(JSON.parse(json(report))), JSON.stringify(validate.errors))
  }
})

test('the schema rejects values that are not reports', () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema)
  const report = fixtureReport()
  const { findings: _, ...incomplete } = report
  const finding = { ...report.findings[0], confidence: 'sure' }
  for (const wrong of [null, [], incomplete, { ...report, version: 2 }, { ...report, findings: [finding] }]) {
    assert.equal(validate(wrong), false)
  }
})

test('the schema has the properties of doctor.d.ts', () => {
  const source = ts.createSourceFile('doctor.d.ts', readFileSync(DECLARATIONS, 'utf8'), ts.ScriptTarget.Latest)
  /** @type {Record<string, any>} */
  const definitions = { ...schema.definitions, Report: schema }
  const interfaces = source.statements
    .filter(it => ts.isInterfaceDeclaration(it))
    .filter(({ name }) => name.text in definitions)
  assert.ok(interfaces.length >= 10)
  for (const { name, members } of interfaces) {
    const properties = members.filter(it => ts.isPropertySignature(it)).map(it => it.name.getText(source))
    const required = members.filter(it => it.questionToken === undefined).map(it => it.name?.getText(source))
    assert.deepEqual(Object.keys(definitions[name.text].properties).sort(), properties.sort(), name.text)
    assert.deepEqual([...definitions[name.text].required].sort(), required.sort(), name.text)
  }
})

test('the JSON is the report', () => {
  assert.deepEqual(JSON.parse(json(fixtureReport())), fixtureReport())
})

test('a redacted report has neither arguments nor excerpts of keys', () => {
  const report = fixtureReport()
  report.command = ['node', 'server.js', '--token=hunter2', 'hunter3']
  report.downstream[0].call = "GET key = 'hunter4'"
  report.heap.containers[0].path = 'app.js > cache["hunter5"] > list[3]'
  report.findings[0].evidence = {
    text: "cache.set('hunter6'): another's value, \"hunter7's\" and 'hunter8's', and hunter9 and 11 of 110.",
    keys: ["hunter8's", 'hunter9', '11'],
    inner: { key: 'hunter9' },
    also: [{ rule: 5, title: 'cache grows', file: 'a.js', line: 1, text: "hunter9 and 'hunter10'" }],
    misses: 20
  }
  const redacted = redact(report)
  assert.equal(/hunter/.test(json(redacted)), false, json(redacted))
  const { evidence } = redacted.findings[0]
  assert.equal(evidence.text, "cache.set('…'): another's value, \"…\" and '…', and … and … of 110.")
  assert.equal(evidence.misses, 20)
  assert.deepEqual(evidence.also, [{ rule: 5, title: 'cache grows', file: 'a.js', line: 1, text: "… and '…'" }])
  assert.deepEqual(redacted.command, ['node', 'server.js', '…', '…'])
  assert.equal(redacted.downstream[0].call, 'GET …')
  assert.equal(redacted.heap.containers[0].path, 'app.js > cache[…] > list[3]')
  assert.match(json(report), /hunter2/)
})

for (const [command, expected] of /** @type {const} */ ([
  ['./tool.sh s3cret x', './tool.sh … …'],
  ['/usr/bin/node server.js s3cret', '/usr/bin/node server.js …'],
  ['node --token=s3cret server.js', 'node … …'],
  ['npm start s3cret', 'npm start …'],
  ['C:\\Programs\\node.exe server.js', 'C:\\Programs\\node.exe server.js'],
  ['./mynode s3cret', './mynode …'],
  ['', '']
])) {
  test(`"${command}" is redacted`, () => {
    assert.equal(redact({ ...fixtureReport(), command: command.split(' ') }).command.join(' '), expected)
  })
}

test('redaction keeps names, lines and figures', () => {
  const report = fixtureReport()
  const redacted = redact(report)
  assert.deepEqual(
    redacted.findings.map(({ evidence: _, ...rest }) => rest),
    report.findings.map(({ evidence: _, ...rest }) => rest)
  )
  assert.deepEqual(redacted.findings[2].evidence, report.findings[2].evidence)
  assert.deepEqual(redacted.routes, report.routes)
})
