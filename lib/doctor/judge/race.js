'use strict'

// Finds work that callers could share: callers that race to set a key, values that outlive an invalidation, identical calls in flight
// together, and calls in sequence that one call could replace.

const { groupBy } = require('./groups')
const { duration, finding, guiltyFrame, number, packageOf, percent, plural } = require('./sites')
const { largest, sum } = require('./statistics')

/**
 * @typedef {import('../facts').Facts} Facts
 * @typedef {import('../facts').FactFrame} FactFrame
 * @typedef {import('../facts').RaceFact} RaceFact
 * @typedef {import('../facts').DownstreamFact} DownstreamFact
 * @typedef {import('../../../doctor').Finding} Finding
 * @typedef {import('../../../doctor').Confidence} Confidence
 *
 * A race at one line, in all processes. The fields are those of `RaceFact`.
 * @typedef {object} Race
 * @property {string} line
 * @property {FactFrame[]} frames
 * @property {string} key excerpt of the key with the most misses
 * @property {number} overwrites
 * @property {number} absences
 * @property {number} keys
 * @property {number} misses
 * @property {number} stale
 * @property {number} expected
 * @property {number} excess
 * @property {'same' | 'near' | 'other' | 'unknown'} kinship
 *
 * Identical calls at one line, in all processes.
 * @typedef {object} Stampede
 * @property {FactFrame[]} frames
 * @property {string} kind
 * @property {string} target
 * @property {string} call
 * @property {number} calls
 * @property {number} duplicates
 * @property {number} concurrent
 * @property {number} meanDuration
 * @property {'cached' | 'constant' | 'uncached'} cause `cached`: most requests need no call; `constant`: all make the same call
 * @property {boolean} isRead whether the calls have a result that could be shared
 */

const RULE = /** @type {const} */ (1)
const rules = [
  { rule: RULE, id: 'race', title: 'callers that race to set a key' },
  { rule: RULE, id: 'invalidation', title: 'values that outlive an invalidation' },
  { rule: RULE, id: 'stampede', title: 'identical calls in flight' },
  { rule: RULE, id: 'n-plus-one', title: 'sequential calls that one call could replace' }
]
const [RACE, INVALIDATION, STAMPEDE, N_PLUS_ONE] = rules

/** Numbers of overwrites, absences and misses from which a race is certain. */
const MANY_OVERWRITES = 10
const MANY_ABSENCES = 3
const MANY_MISSES = 3
/** Number of overwrites below which a race is a hint. */
const FEW_OVERWRITES = 3
/** Minimum share of the callers that set the key they missed: for a certain race, a likely one, and a hint. If each caller
 * deletes its entry later, absences of a key overlap, and the number of callers is uncertain. */
const ANSWERED = 0.8
const MOST = 0.6
const HALF = 0.5
/** Maximum number of other sets per overwrite. */
const EXCESS = 0.25
/** Minimum number, share of all calls, and duration in milliseconds of duplicates. */
const DUPLICATES = 20
const DUPLICATE_SHARE = 0.2
const LEAST_DURATION = 1
/** Minimum size of an answer that is more than a confirmation, in bytes. */
const LONG_ANSWER = 24
/** Number of calls per request below which a cache seems to answer most requests. */
const CACHED = 0.5
/** Ratio of duplicates to those expected by chance, above which the expiry of an entry causes them. */
const CROWDED = 2
/** Minimum number of calls in sequence, and minimum number of requests that make them. */
const SERIES = 10
const MANY_SERIES = 3
/** Kinships of races, weakest first. */
const KINSHIPS = /** @type {const} */ (['other', 'unknown', 'near', 'same'])

/**
 * @param {Facts} facts
 * @returns {Finding[]}
 */
function judge(facts) {
  const races = racesOf(facts)
  const stampedes = stampedesOf(facts)
  const owners = new Map(stampedes.map(stampede => [stampede, races.find(race => loads(race, stampede, races))]))
  const alone = stampedes.filter(stampede => owners.get(stampede) === undefined)
  return [
    ...races.flatMap(race =>
      raceFinding(
        race,
        stampedes.filter(stampede => owners.get(stampede) === race)
      )
    ),
    ...races.flatMap(invalidationFinding),
    ...groupBy(alone, callerOf).map(stampedeFinding),
    ...seriesFindings(facts)
  ]
}

/** @param {Facts} facts */
function notes(facts) {
  const hasLooked = facts.processes.some(({ blind }) => blind.race === undefined)
  return hasLooked ? { race: 'keys of plain objects and arrays are not checked' } : {}
}

/** @param {FactFrame[]} frames */
function lineOf(frames) {
  return positionOf(guiltyFrame(frames))
}

/** @param {FactFrame | undefined} frame */
function positionOf(frame) {
  return frame && `${frame.file}:${frame.line}`
}

/** Returns the key by which findings on calls are joined. @param {{ frames: FactFrame[], kind: string }} calls */
function callerOf(calls) {
  return positionOf(callFrame(calls)) ?? calls.kind
}

/**
 * Returns the frame of the function that makes calls. If the program contains the client, which writes to a socket, the callers of that
 * client make the calls.
 * @param {{ frames: FactFrame[], kind: string }} calls
 */
function callFrame({ frames, kind }) {
  const inner = guiltyFrame(frames)
  const isClient = kind !== 'http' && kind !== 'undici' && packageOf(frames.find(isOfProgram)) === undefined
  if (inner === undefined || !isClient) return inner
  const callers = frames.filter(({ isUser }) => isUser)
  return callers.find(({ file }) => file !== inner.file) ?? callers.find(({ isAwaited }) => isAwaited) ?? inner
}

/** Returns whether a frame belongs to the program or to a package. @param {FactFrame} frame */
function isOfProgram({ file }) {
  return file !== '' && !file.startsWith('node:')
}

/**
 * Returns a title. If the line of the calls is unknown, the title names their client.
 * @param {string} title
 * @param {{ frames: FactFrame[], kind: string }} calls
 */
function titleOf(title, { frames, kind }) {
  return frames.length > 0 ? title : `${title}: ${kind}`
}

/**
 * @param {Facts} facts
 * @returns {Race[]}
 */
function racesOf({ processes }) {
  const facts = /** @type {RaceFact[]} */ (processes.flatMap(({ races }) => races))
  const own = facts.filter(({ kinship }) => kinship !== 'other')
  return groupBy(own, ({ frames }) => lineOf(frames)).map(group => {
    const main = group.reduce((best, it) => (it.misses > best.misses ? it : best))
    return {
      line: lineOf(main.frames) ?? '',
      frames: main.frames,
      key: main.key,
      overwrites: sum(group.map(it => it.overwrites)),
      absences: sum(group.map(it => it.absences)),
      keys: largest(group.map(it => it.keys)),
      misses: main.misses,
      stale: sum(group.map(it => it.stale)),
      expected: sum(group.map(it => it.expected ?? it.overwrites)),
      excess: sum(group.map(it => it.excess ?? 0)),
      kinship: KINSHIPS[largest(group.map(it => KINSHIPS.indexOf(kinshipOf(it))))]
    }
  })
}

/**
 * Returns the kinship of a race. A callback inside the function that missed continues that function, as `await` would.
 * @param {RaceFact} fact
 */
function kinshipOf({ kinship = 'same', missers = [], frames }) {
  const setter = guiltyFrame(frames)
  const isInside = setter !== undefined && missers.some(it => it.file === setter.file && encloses(it, setter))
  return kinship === 'near' && isInside ? 'same' : kinship
}

/**
 * @param {Race} race
 * @returns {Confidence | undefined}
 */
function confidenceOf(race) {
  const { kinship, overwrites, absences, keys, misses } = race
  const isMany = overwrites >= MANY_OVERWRITES && misses >= MANY_MISSES
  const isRepeated = keys >= 2 || absences >= MANY_ABSENCES
  if (overwrites === 0) return undefined
  if (!isAnswered(race)) {
    if (kinship !== 'same' || overwrites < HALF * race.expected) return undefined
    return isMany && isRepeated && isAnswered(race, MOST) ? 'likely' : 'possible'
  }
  if (kinship === 'same' && isMany && isRepeated) return 'certain'
  if (kinship === 'same') return overwrites >= FEW_OVERWRITES ? 'likely' : 'possible'
  return isMany && (isRepeated || kinship === 'unknown') ? 'likely' : 'possible'
}

/**
 * Returns whether the callers that missed a key are the ones that set it. Readers of a table that another part of the program fills miss
 * keys that they never set.
 * @param {Race} race
 * @param {number} [share] minimum share of the callers that must have set the key
 */
function isAnswered({ overwrites, expected, excess }, share = ANSWERED) {
  return overwrites >= share * expected && excess <= EXCESS * overwrites
}

/**
 * @param {Race} race
 * @param {Stampede[]} stampedes calls that fetch the values of the race
 * @returns {Finding[]}
 */
function raceFinding(race, stampedes) {
  const alone = confidenceOf(race)
  if (alone === undefined) return []
  const isSeenTwice = stampedes.some(({ cause, isRead }) => cause === 'cached' && isRead)
  const { frames, key, overwrites, absences, keys, misses, expected } = race
  const named = key === '' ? 'a key' : `the key '${key}'`
  const text =
    `Up to ${plural(misses, 'caller')} missed ${named} before it was first set. ` +
    `${plural(overwrites, 'set() call')} replaced the value of another caller, ` +
    `for ${keys >= 64 ? 'at least ' : ''}${plural(keys, 'key')} that ${keys === 1 ? 'was' : 'were'} missing ${plural(absences, 'time')}.` +
    stampedes.map(stampede => ` ${repetition(stampede)}`).join('')
  const calls = stampedes.map(({ frames: _, cause: __, isRead: ___, ...counts }) => counts)
  return [
    finding({
      ...RACE,
      title: 'racing loads',
      confidence: isSeenTwice && overwrites >= FEW_OVERWRITES ? 'certain' : alone,
      frames,
      evidence: { text, key, overwrites, absences, keys, misses, expected, ...(calls.length === 0 ? {} : { calls }) },
      fix:
        'new Cache({ max, load }).get(key) loads each key once for all callers; ' +
        'without offloop, store the promise in the Map before the first await'
    })
  ]
}

/**
 * @param {Race} race
 * @returns {Finding[]}
 */
function invalidationFinding(race) {
  const { frames, key, stale, kinship, overwrites } = race
  // Callers that wait for another caller's value do not set the key.
  if (stale === 0 || kinship !== 'same' || (overwrites > 0 && !isAnswered(race))) return []
  const text =
    `${plural(stale, 'set() call')} stored values requested before the key was deleted. ` +
    'The cache may hold outdated values.'
  return [
    finding({
      ...INVALIDATION,
      title: 'a value outlives an invalidation',
      confidence: 'possible',
      frames,
      evidence: { text, stale, key },
      fix:
        'cache.delete(key) of new Cache({ max, load }) discards results that are still in flight; ' +
        'without offloop, check a version number before setting the key'
    })
  ]
}

/**
 * @param {Facts} facts
 * @returns {Stampede[]}
 */
function stampedesOf({ processes }) {
  const all = processes.flatMap(({ downstream, requests }) => downstream.map(fact => ({ fact, ofProcess: requests })))
  const key = (/** @type {DownstreamFact} */ { frames, kind, target, call }) =>
    `${lineOf(frames)} ${kind} ${target} ${frames.length === 0 ? call : ''}`
  return groupBy(all, ({ fact }) => key(fact)).flatMap(group => {
    const crowds = group.filter(({ fact }) => isCrowd(fact))
    if (crowds.length === 0) return []
    const facts = crowds.map(({ fact }) => fact)
    const main = facts.reduce((best, it) => (it.duplicates > best.duplicates ? it : best))
    const { frames, kind, target, call } = main
    const isRead = facts.some(hasResult)
    const calls = sum(facts.map(it => it.calls))
    const duplicates = sum(facts.map(it => it.duplicates))
    const chance = sum(facts.map(it => it.chance ?? 0))
    const requests = sum(crowds.map(({ ofProcess }) => ofProcess.count))
    const isRare = calls < CACHED * requests
    const isConstant = !isRare && crowds.every(({ fact, ofProcess }) => isSame(fact, ofProcess.routes))
    const cause = isRare && duplicates > CROWDED * chance ? 'cached' : isConstant ? 'constant' : 'uncached'
    const concurrent = largest(facts.map(it => it.concurrent))
    const meanDuration = sum(facts.map(it => it.calls * it.meanDuration)) / calls
    return [{ frames, kind, target, call, calls, duplicates, concurrent, meanDuration, cause, isRead }]
  })
}

/** @param {DownstreamFact} fact */
function isCrowd({ duplicates, calls, meanDuration }) {
  return duplicates >= DUPLICATES && duplicates >= DUPLICATE_SHARE * calls && meanDuration > LEAST_DURATION
}

/**
 * Returns whether all requests make the same call, and no part of the call can come from a request. A test requests few different
 * paths, so names from its routes, digits and queries may come from requests even if the call never differs.
 * @param {DownstreamFact} fact
 * @param {readonly { route: string }[]} routes
 */
function isSame({ hashes, call }, routes) {
  if (Object.keys(hashes).length !== 1 || /[\d'"?$]/.test(call)) return false
  const [, ...words] = call.split(/[\s/:]+/).filter(word => word !== '')
  const name = words.at(-1)
  return name !== undefined && !routes.some(({ route }) => route.split(/[\s/:]+/).includes(name))
}

/**
 * Returns whether calls fetch the values of a race: the function that makes the calls, or one inside it, sets the values. Calls without
 * a line of the program belong to a race only if there is no other race.
 * @param {Race} race
 * @param {Stampede} stampede
 * @param {Race[]} races
 */
function loads(race, stampede, races) {
  if (confidenceOf(race) === undefined) return false
  const callers = stampede.frames.filter(frame => frame.isUser)
  if (callers.length === 0) return races.length === 1
  const setter = guiltyFrame(race.frames)
  return setter !== undefined && callers.some(caller => caller.file === setter.file && encloses(caller, setter))
}

/**
 * Returns whether the function of one frame contains the position of another frame in the same file.
 * @param {FactFrame} outer
 * @param {FactFrame} inner
 */
function encloses(outer, inner) {
  if (outer.functions === undefined || inner.functions === undefined) return outer.name === inner.name
  const [own] = outer.functions
  return own !== undefined && inner.functions.includes(own)
}

/** @param {Stampede} stampede */
function repetition({ call, calls, duplicates, concurrent }) {
  const share = percent(duplicates / calls)
  return `${share} of ${plural(calls, 'call')} like "${call}" duplicated a call in flight, up to ${number(concurrent)} together.`
}

/** @param {Stampede[]} group of one line */
function stampedeFinding(group) {
  const main = group.reduce((best, it) => (it.duplicates > best.duplicates ? it : best))
  const { frames, meanDuration, cause } = main
  const isLikely = group.some(it => it.cause !== 'uncached' && it.isRead)
  const why =
    cause === 'cached'
      ? 'A cache serves most requests, but while a value is missing or expired, every request that needs it makes the call.'
      : cause === 'constant'
        ? 'All requests make the same call, even while it is in flight.'
        : 'Nearly every request makes the call.'
  const text = `${repetition(main)} Each took ${duration(meanDuration)}. ${why}`
  const { frames: _, cause: __, isRead: ___, ...counts } = main
  return finding({
    ...STAMPEDE,
    title: titleOf('identical calls in flight', main),
    confidence: isLikely ? 'likely' : 'possible',
    frame: callFrame(main),
    frames,
    evidence: { text, ...counts },
    fix:
      'new Cache({ max, ttl, load }).get(key) makes one call for all callers; ' +
      'without offloop, keep the promise of each call in flight in a Map'
  })
}

/** @param {Facts} facts */
function seriesFindings({ processes }) {
  const facts = processes.flatMap(({ downstream }) => downstream).filter(isSeries)
  const loopOf = (/** @type {DownstreamFact} */ fact) => positionOf(loopFrame(fact)) ?? fact.kind
  return groupBy(facts, loopOf).map(group => {
    const main = group.reduce((best, it) => (it.sequential > best.sequential ? it : best))
    const { frames, kind, target, call, sequential, meanDuration } = main
    const requests = sum(group.map(it => it.sequentialRequests))
    const text =
      `${plural(requests, 'request')} made ${SERIES} or more calls like "${call}" one after another, up to ${number(sequential)}; ` +
      `each took ${duration(meanDuration)}.`
    return finding({
      ...N_PLUS_ONE,
      title: titleOf('sequential calls', main),
      confidence: requests >= MANY_SERIES && isQuery(main) ? 'likely' : 'possible',
      frame: loopFrame(main),
      frames,
      evidence: {
        text,
        kind,
        target,
        call,
        sequential,
        requests,
        meanDuration
      },
      fix:
        'one call for all items (IN (…), MGET, a batch endpoint): cache.getMany(ids, { loadMany }) also shares them between requests; ' +
        'without such a call, Promise.all in small batches'
    })
  })
}

/**
 * Returns the frame of the loop that makes calls in sequence, possibly through functions that are not at fault. Loops of functions that
 * are not suspended come first, the outermost of them, since they have continued after the previous call. Among those, a `for await` loop
 * comes last: the generator that it reads may have a loop itself.
 * @param {DownstreamFact} fact
 */
function loopFrame(fact) {
  const loops = fact.frames.filter(({ isUser, loop }) => isUser && loop !== undefined)
  const running = loops.filter(({ isAsync }) => !isAsync)
  return running.findLast(({ loop }) => loop?.kind !== 'for await') ?? running.at(-1) ?? loops[0] ?? callFrame(fact)
}

/** @param {DownstreamFact} fact */
function isSeries({ sequential, sequentialRequests }) {
  return sequential >= SERIES && sequentialRequests > 0
}

/**
 * Returns whether calls are queries, which one call could replace: parts of an upload may need their order.
 * @param {DownstreamFact} fact
 */
function isQuery(fact) {
  const { kind, call } = fact
  if (kind === 'socket') return hasResult(fact)
  return (kind !== 'http' && kind !== 'undici') || /^(?:GET|HEAD) /.test(call)
}

/**
 * Returns whether the calls have a result that could be shared. In an unknown protocol, calls with a long answer that are not known to
 * write are taken for reads.
 * @param {DownstreamFact} fact
 */
function hasResult({ kind, access, meanAnswer = 0 }) {
  if (kind !== 'socket' || access === 'read') return true
  return access === 'unknown' && meanAnswer >= LONG_ANSWER
}

module.exports = { judge, notes, rules }
