'use strict'

// Builds the facts of a run from the messages of the probes. Adds the loops in which calls are awaited, and maps positions to sources.

const { availableParallelism } = require('node:os')
const { isAbsolute } = require('node:path')
const { isUserFile } = require('../watch/frames')
const { originalFrames } = require('../watch/source-maps')
const { cgroupLimits } = require('./limits')
const { sum } = require('./judge/statistics')
const { snapshotsOf } = require('./snapshots')
const { containersOf } = require('./source/containers')
const { keeperOf } = require('./source/keepers')
const { isLimited } = require('./source/limits')
const { awaitLoop, functionsAround, isAwaited, loopBody } = require('./source/loops')
const { textOf } = require('./source/texts')
const { addWork, nativeCall } = require('./source/work')

/**
 * @typedef {import('./facts').Facts} Facts
 * @typedef {import('./facts').ProcessFacts} ProcessFacts
 * @typedef {import('./facts').FactFrame} FactFrame
 * @typedef {import('./facts').ProfileNode} ProfileNode
 * @typedef {import('./source/texts').Read} Read
 */

/**
 * Returns the facts of a run.
 * @param {any[][]} messages of each thread
 * @param {string[]} command
 * @param {Facts['load']} [load]
 * @returns {Promise<Facts>}
 */
async function factsOf(messages, command, load) {
  const processes = messages.filter(list => list[0]?.type === 'hello').map(processOf)
  const measured = processes.flatMap(process => process.measured ?? [])
  const [hello] = messages.flatMap(list => list.filter(({ type }) => type === 'hello'))
  const compiled = textsOf(messages)
  const text = reader(compiled)
  const resolve = resolver(compiled, text)
  // Containers and keepers are searched in the text that V8 ran, so before positions are mapped.
  for (const list of messages) await addContainers(list, processes, text, compiled)
  for (const process of processes) addKeepers(process, text)
  for (const process of processes) addWork(process.profile?.nodes ?? [], text)
  for (const process of processes) await locate(process, resolve, compiled, text)
  return {
    version: 1,
    node: hello?.node ?? process.version,
    command,
    cores: hello?.cores ?? availableParallelism(),
    ...cgroupLimits(),
    ...(measured.length === 0
      ? {}
      : { measured: { from: Math.min(...measured.map(it => it.from)), to: Math.max(...measured.map(it => it.to)) } }),
    ...(load === undefined ? {} : { load }),
    processes
  }
}

/**
 * @param {any[]} messages
 * @returns {ProcessFacts}
 */
function processOf(messages) {
  const of = (/** @type {string} */ type) => messages.filter(message => message.type === type)
  const { type: _, cores: _cores, ...identity } = messages[0]
  const begin = of('measure')[0]?.at
  /** @type {any} */
  const tables = {}
  for (const part of of('tables')[0]?.tables ?? []) {
    for (const [name, value] of Object.entries(part)) {
      tables[name] = name === 'blind' ? { ...tables.blind, ...value } : value
    }
  }
  const blocks = of('block').map(({ block }) => block)
  const rows = of('row').map(({ row }) => ({ ...nothing(), ...row }))
  const end = of('end')[0]?.end ?? { kind: 'lost' }
  if (end.kind === 'lost') extend(tables, rows)
  return {
    ...noFacts(),
    ...tables,
    ...identity,
    rows,
    blocks: begin === undefined ? [] : blocks.filter(({ began }) => began >= begin),
    ...(of('profile')[0]?.profile ? { profile: of('profile')[0].profile } : {}),
    end
  }
}

/**
 * Extends the measurement of a process that was killed to its last row: its tables are older.
 * @param {Partial<ProcessFacts>} tables
 * @param {ProcessFacts['rows']} rows
 */
function extend({ measured, requests }, rows) {
  if (measured !== undefined) measured.to = Math.max(measured.to, rows.at(-1)?.at ?? 0)
  if (requests !== undefined) requests.count = Math.max(requests.count, sum(rows.map(row => row.requests)))
}

/** Returns the facts of a process that was not measured. */
function noFacts() {
  return {
    requests: { count: 0, errors: 0, routes: [] },
    rows: [],
    blocks: [],
    dropped: 0,
    races: [],
    downstream: [],
    listeners: [],
    intervals: [],
    writes: [],
    starts: [],
    forks: [],
    containers: [],
    allocations: [],
    majors: [],
    heapLimit: 0,
    processorTime: 0,
    poolWait: [],
    poolJobs: {},
    poolCalls: [],
    ipc: { messages: 0, bytes: 0, time: 0, frames: [] },
    blind: {},
    cost: {}
  }
}

function nothing() {
  return { heapUsed: 0, external: 0, rss: 0, gc: 0, longestGc: 0, timers: 0 }
}

/**
 * Replaces the positions of a process with those of the sources.
 * @param {ProcessFacts} process
 * @param {(frames: FactFrame[]) => Promise<FactFrame[]>} resolve
 * @param {ReadonlyMap<string, string>} compiled
 * @param {Read} textOf
 */
async function locate(process, resolve, compiled, textOf) {
  const { races, downstream, listeners, intervals, writes, starts, forks, allocations, poolCalls, ipc } = process
  for (const site of [
    races,
    downstream,
    listeners,
    intervals,
    writes,
    starts,
    forks,
    allocations,
    poolCalls,
    ipc
  ].flat()) {
    site.frames = await resolve(site.frames)
  }
  for (const allocation of allocations) {
    if (allocation.keeper !== undefined) [allocation.keeper] = await originalFrames([allocation.keeper], compiled)
  }
  for (const race of races) race.missers = await resolve(race.missers ?? [])
  const works = worksOf(process.profile?.nodes ?? [], textOf)
  for (const { samples } of process.blocks) {
    for (const sample of samples) sample.frames = await resolve(withWork(sample.frames, works))
  }
  await moveNodes(process.profile?.nodes ?? [], compiled)
}

/**
 * Returns, by the position of a function, where the function spends most of its time or, if that is unknown, its first native call.
 * @param {ProfileNode[]} nodes
 * @param {Read} textOf
 */
function worksOf(nodes, textOf) {
  /** @type {Map<string, { line: number, column: number }>} */
  const works = new Map()
  for (const node of nodes.filter(({ file }) => isUserFile(file))) {
    const text = textOf(node.file)
    const work = node.work ?? (text === undefined ? undefined : nativeCall(text, node))
    if (work !== undefined) works.set(positionOf(node), work)
  }
  return works
}

/**
 * Replaces the position of the innermost frame if it is the beginning of a function: V8 interrupts a function there if native functions
 * do the work.
 * @param {FactFrame[]} frames
 * @param {ReturnType<typeof worksOf>} works
 */
function withWork([frame, ...callers], works) {
  return frame === undefined ? [] : [{ ...frame, ...works.get(positionOf(frame)) }, ...callers]
}

/** @param {{ file: string, line: number, column: number }} it */
function positionOf({ file, line, column }) {
  return `${line}:${column} ${file}`
}

/**
 * Replaces the positions of a CPU profile with those of the sources. One call for all nodes reads each file once.
 * @param {ProfileNode[]} nodes
 * @param {ReadonlyMap<string, string>} compiled
 */
async function moveNodes(nodes, compiled) {
  const works = nodes.flatMap(({ file, work }) => (work === undefined ? [] : { file, work }))
  const frames = [...nodes, ...works.map(({ file, work }) => ({ name: '', file, ...work }))].map(
    ({ name, file, line, column }) => ({ name, file, line, column, isAsync: false, isUser: isUserFile(file) })
  )
  const targets = [...nodes, ...works.map(({ work }) => work)]
  for (const [index, { file, line, column }] of (await originalFrames(frames, compiled)).entries()) {
    Object.assign(targets[index], { file, line, column })
  }
}

/**
 * Adds the containers that grew between two heap snapshots of a process.
 * @param {any[]} messages of the process
 * @param {ProcessFacts[]} processes
 * @param {Read} textOf
 * @param {ReadonlyMap<string, string>} compiled
 */
async function addContainers(messages, processes, textOf, compiled) {
  const [hello] = messages
  const process = processes.find(({ pid, thread }) => pid === hello?.pid && thread === hello.thread)
  const paths = snapshotsOf(messages)
  if (process === undefined || paths === undefined) return
  try {
    const containers = await containersOf(...paths, { ...process, textOf })
    for (const container of containers) {
      container.adds = await originalFrames(container.adds, container.areKeepers ? compiled : undefined)
    }
    process.containers = containers
  } catch (error) {
    process.blind.growth = `The heap snapshots cannot be compared: ${/** @type {Error} */ (error).message}`
  }
}

/**
 * Adds the lines that keep allocated values.
 * @param {ProcessFacts} process
 * @param {Read} textOf
 */
function addKeepers({ allocations }, textOf) {
  for (const allocation of allocations) {
    const keeper = keeperOf(allocation.frames, textOf)
    if (keeper === undefined) continue
    allocation.keeper = keeper.frame
    if (isLimited(textOf(keeper.frame.file) ?? '', keeper.name)) allocation.isLimited = true
  }
}

/**
 * Returns the texts that loaders compiled in memory, by file.
 * @param {any[][]} messages
 * @returns {Map<string, string>}
 */
function textsOf(messages) {
  const texts = messages.flat().filter(({ type }) => type === 'text')
  return new Map(texts.map(({ file, text }) => [file, text]))
}

/**
 * Returns a function that reads the text that V8 ran.
 * @param {ReadonlyMap<string, string>} compiled
 */
function reader(compiled) {
  /** @type {Map<string, string | undefined>} */
  const texts = new Map()
  return (/** @type {string} */ file) => {
    if (!texts.has(file)) texts.set(file, compiled.get(file) ?? textOf(file))
    return texts.get(file)
  }
}

/**
 * Returns a function that adds the context of each call to the frames of a stack, and maps their positions to the sources.
 * @param {ReadonlyMap<string, string>} compiled
 * @param {Read} text
 */
function resolver(compiled, text) {
  /** @type {Map<string, ReturnType<typeof contextIn>>} */
  const contexts = new Map()
  const contextOf = (/** @type {FactFrame} */ { isUser, file, line, column }) => {
    if (!isUser || !isAbsolute(file)) return {}
    const key = positionOf({ file, line, column })
    const known = contexts.get(key)
    if (known !== undefined) return known
    const context = contextIn(text(file), line, column)
    contexts.set(key, context)
    return context
  }
  const atWork = (/** @type {FactFrame} */ frame) => {
    const source = frame.isUser && isAbsolute(frame.file) ? text(frame.file) : undefined
    return { ...frame, ...(source && loopBody(source, frame.line, frame.column)) }
  }
  return async (/** @type {FactFrame[]} */ frames) =>
    originalFrames(
      frames.map((frame, index) => ({ ...(index === 0 ? atWork(frame) : frame), ...contextOf(frame) })),
      compiled
    )
}

/**
 * Returns the context of a call: its loop, the functions around it, and whether its function awaits it.
 * @param {string | undefined} text
 * @param {number} line
 * @param {number} column
 * @returns {Pick<FactFrame, 'loop' | 'functions' | 'isAwaited'>}
 */
function contextIn(text, line, column) {
  if (text === undefined) return {}
  const loop = awaitLoop(text, line, column)
  const isOwn = isAwaited(text, line, column)
  return { ...(loop && { loop }), functions: functionsAround(text, line, column), ...(isOwn && { isAwaited: true }) }
}

module.exports = { factsOf, noFacts }
