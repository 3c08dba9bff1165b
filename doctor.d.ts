/**
 * Names the traps that a program sits in: runs it, measures it, and judges the measurements.
 *
 * @packageDocumentation
 */

/**
 * How sure a finding is. `certain`: the fault was seen. `likely`: a pattern that has other, rare explanations. `possible`: a hint,
 * which never fails a build by default.
 */
export type Confidence = 'certain' | 'likely' | 'possible'

/** Number of a trap, or the name of another rule. */
export type RuleNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 'pool-wait' | 'concurrency'

/** A call in the stack of a finding. */
export interface FindingFrame {
  /** Name of the function. */
  name: string
  /** Path of the file. */
  file: string
  /** Line, from 1. */
  line: number
  /** Column, from 1. */
  column: number
  /** Whether the function awaits the frames before it. */
  isAsync: boolean
  /** Whether the file belongs to the program. */
  isUser: boolean
}

/** A line of a file. */
export interface SourceLine {
  /** Path. */
  file: string
  /** Line, from 1. */
  line: number
}

/** Figures of a finding. */
export interface Evidence extends Record<string, unknown> {
  /** The figures in sentences. */
  text: string
  /** Position at which a container was declared. */
  declared?: SourceLine
}

/** A fault of the program. */
export interface Finding {
  /** Rule that found it. */
  rule: RuleNumber
  /** Name of the fault within its rule, such as `race` or `work-in-write`. */
  id: string
  /** Few words for the head of a report. */
  title: string
  /** How sure it is. */
  confidence: Confidence
  /** Path of the guilty file; empty if no line is known. */
  file: string
  /** Guilty line, from 1; 0 if it is unknown. */
  line: number
  /** Column, from 1; 0 if it is unknown. */
  column: number
  /** Name of the guilty function. */
  function: string
  /** Variable or property of a growing container. */
  name?: string
  /** Figures, and `text`: the same in sentences. `declared` is where a container was declared. */
  evidence: Evidence
  /** How to mend it. */
  fix: string
  /** Stack, innermost frame first. */
  frames: FindingFrame[]
  /** Loop time that the fault cost, in milliseconds, for the order of findings. */
  time: number
}

/** Whether a rule looked. */
export interface RuleStatus {
  /** Number of the trap, or name of the rule. */
  rule: RuleNumber
  /** Name of the fault. */
  id: string
  /** Fault that the rule looks for. */
  title: string
  /** Whether the rule looked. */
  looked: boolean
  /** Why it did not look, or the cases that it cannot see. */
  reason?: string
}

/** Summary of durations in milliseconds. */
export interface Durations {
  /** Number of durations. */
  count: number
  /** Mean. */
  mean: number
  /** Median. */
  p50: number
  /** 90th percentile. */
  p90: number
  /** 99th percentile. */
  p99: number
  /** Maximum. */
  max: number
}

/** Requests of a route. Durations are in milliseconds. */
export interface Route {
  /** HTTP method. */
  method: string
  /** Route of the framework, or the path without ids. */
  route: string
  /** Number of requests. */
  count: number
  /** Responses with a status of 500 or more. */
  errors: number
  /** Durations of its requests. */
  durations: Durations
  /** Time for which its requests held the loop in blocks. */
  held: number
  /** Time for which its requests waited for blocks of others. */
  waited: number
}

/** A process or thread of the program. */
export interface ProcessSummary {
  /** Process id. */
  pid: number
  /** `threadId`; 0 is the main thread. */
  thread: number
  /** Part of the process in the program. */
  role: 'primary' | 'cluster worker' | 'process' | 'thread'
  /** Path of its script. */
  script: string
  /** Requests measured. */
  requests: number
  /** Share of the time in which the loop was busy, 0 to 1. */
  utilization: number
  /** Number of blocks. */
  blocks: number
  /** Bytes. */
  rss: number
}

/** Durations of blocks, in milliseconds. */
export interface BlockTimes {
  /** Median. */
  p50: number
  /** 99th percentile. */
  p99: number
  /** Maximum. */
  max: number
  /** Sum. */
  total: number
}

/** Blocks of the loop. `own` leaves out the time that the machine took away. Times are in milliseconds. */
export interface BlockSummary {
  /** Number of blocks. */
  count: number
  /** Durations without the time that the machine took away. */
  own: BlockTimes
  /** Whole durations. */
  wall: BlockTimes
}

/** A condition of `--fail`. */
export interface Condition {
  /** Text of the condition. */
  condition: string
  /** Its figure in this run. */
  value: number | string
  /** Whether it failed the run. */
  failed: boolean
}

/** Figures of a quarter of a second. */
export interface TimelineRow {
  /** End of the quarter, as `Date.now()`. */
  at: number
  /** Used heap, in bytes. */
  heapUsed: number
  /** Resident memory, in bytes. */
  rss: number
  /** Requests that began. */
  requests: number
  /** Milliseconds in garbage collections. */
  gc: number
  /** Share of the time in which the loop was busy, 0 to 1. */
  utilization: number
}

/** A block of the loop. */
export interface TimelineBlock {
  /** Its beginning, as `Date.now()`. */
  at: number
  /** Milliseconds. */
  duration: number
  /** Cause, as `offloop/watch` reports it. */
  cause: string
  /** Guilty function. */
  function: string
  /** Path of its file. */
  file: string
  /** Guilty line, from 1. */
  line: number
}

/** Figures for the charts of one process, a row each quarter of a second. */
export interface Timeline {
  /** Process id. */
  pid: number
  /** `threadId`; 0 is the main thread. */
  thread: number
  /** Figures, oldest first. */
  rows: TimelineRow[]
  /** Blocks, oldest first. */
  blocks: TimelineBlock[]
}

/** A node of the CPU profile. `self` is in milliseconds, `parent` the index of a node, -1 for the root. */
export interface FlameNode {
  /** Index of the caller, -1 for the root. */
  parent: number
  /** Name of the function. */
  name: string
  /** Path of its file. */
  file: string
  /** Line of the function. */
  line: number
  /** Milliseconds. */
  self: number
}

/** Event loop of the busiest process. */
export interface LoopSummary {
  /** How long each iteration held the loop. */
  hold: Durations
  /** How long an arriving request waits for the loop. */
  delay: Durations
  /** Share of the time in which the loop was busy, 0 to 1. */
  utilization: number
  /** Milliseconds in which the machine gave the loop no core. */
  starved: number
  /** Its blocks. */
  blocks: BlockSummary
}

/** Garbage collections. */
export interface CollectionSummary {
  /** Share of the time, 0 to 1. */
  share: number
  /** Longest pause, in milliseconds. */
  longest: number
  /** All pauses, in milliseconds. */
  total: number
}

/** A container that grew between two heap snapshots. */
export interface GrownContainer {
  /** Variable or property. */
  name: string
  /** `Map`, `Set`, `Array`, `Object` or `other`. */
  kind: string
  /** Path from a root of the heap. */
  path: string
  /** Entries in each snapshot. */
  entries: number[]
  /** Bytes in each snapshot. */
  bytes: number[]
}

/** Heap of the largest process. */
export interface HeapSummary {
  /** Bytes at the end. */
  used: number
  /** Limit of V8, in bytes. */
  limit: number
  /** Bytes a second. */
  growth: number
  /** Containers that grew, if snapshots were taken. */
  containers: GrownContainer[]
}

/** Durations of all requests, in milliseconds. */
export interface RequestSummary {
  /** Median. */
  p50: number
  /** 99th percentile. */
  p99: number
  /** Responses with a status of 500 or more. */
  errors: number
}

/** Equal calls of another service. */
export interface DownstreamCall {
  /** Protocol or client, such as `http` or `pg`. */
  kind: string
  /** Host and port, or path of a socket. */
  target: string
  /** Operation, shortened. */
  call: string
  /** Number of calls. */
  calls: number
  /** Calls that were equal to one in flight. */
  duplicates: number
  /** Most of them in flight together. */
  concurrent: number
  /** Milliseconds. */
  meanDuration: number
}

/** CPU profile as a tree. */
export interface Flame {
  /** Callers before their calls. */
  nodes: FlameNode[]
  /** Number of samples. */
  samples: number
}

/** Cost of the observation. */
export interface Cost {
  /** Share of the processor time, 0 to 1. */
  share: number
  /** Milliseconds by part. */
  parts: Record<string, number>
}

/** The result of a run. */
export interface Report {
  /** Version of this form. */
  version: 1
  /** Version of Node.js. */
  node: string
  /** Command of the program. */
  command: string[]
  /** `Date.now()` at the beginning of the measurement. */
  began: number
  /** Time measured, in milliseconds. */
  duration: number
  /** Requests measured. */
  requests: number
  /** Cores of the machine. */
  cores: number
  /** Cores of the quota of the container, if it has one. */
  quota?: number
  /** `inconclusive`: too little was measured, or the machine starved the program; `reason` says which. */
  verdict: 'clean' | 'findings' | 'inconclusive'
  /** Why the run is inconclusive. */
  reason?: string
  /** Faults, the surest and most costly first. */
  findings: Finding[]
  /** All rules. */
  rules: RuleStatus[]
  /** Conditions of `--fail`. */
  conditions: Condition[]
  /** The event loop. */
  loop: LoopSummary
  /** Garbage collections: share of the time, and milliseconds. */
  gc: CollectionSummary
  /** `growth` in bytes a second. */
  heap: HeapSummary
  /** Milliseconds, and number of failed requests. */
  request: RequestSummary
  /** Requests by route. */
  routes: Route[]
  /** Processes and threads. */
  processes: ProcessSummary[]
  /** Calls of other services. */
  downstream: DownstreamCall[]
  /** Figures over time, of each process. */
  timeline: Timeline[]
  /** CPU profile. */
  flame: Flame | null
  /** Cost of the observation: `share` of the processor time, and milliseconds by part. */
  cost: Cost
}

/** Options of {@link examine}. Unknown options are rejected. */
export interface ExamineOptions {
  /** Duration from which on an iteration of the loop counts as a block, an integer of milliseconds, 10 to 60,000. Default: 25. */
  threshold?: number | undefined
  /** Rules that look, by number or id. Default: all. */
  rules?: readonly (number | string)[] | undefined
}

/** A report that can be written. */
export interface ExaminedReport extends Report {
  /**
   * Writes the report to a file, in the format of its name: `.html`, `.json`, `.md` or `.sarif`.
   *
   * @throws TypeError `ERR_INVALID_ARG_VALUE` for another name
   */
  write(path: string): Promise<void>
}

/** A measurement of this process. */
export interface Examination extends AsyncDisposable {
  /** Ends the measurement and returns its report; the same one at each call. */
  stop(): Promise<ExaminedReport>
}

/**
 * Measures this process until `stop` is called, for tests. The program should be warm, and under load meanwhile. Containers are not
 * named, and functions of Node.js that the program kept in variables before the call are not seen.
 *
 * @example
 * await using doctor = await examine({ rules: ['race', 'handler'] })
 * await load()
 * const report = await doctor.stop()
 * assert.deepEqual(report.findings, [])
 *
 * @throws TypeError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`, RangeError `ERR_OUT_OF_RANGE` for an invalid option
 */
export function examine(options?: ExamineOptions): Promise<Examination>
