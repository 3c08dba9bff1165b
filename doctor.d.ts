/**
 * Names the traps that a program falls into: runs it, measures it, and judges the measurement.
 *
 * @packageDocumentation
 */

import type { Durations } from './watch'

export type { Durations } from './watch'

/**
 * Confidence in a finding. `certain`: the fault was observed. `likely`: a pattern that rarely has another explanation. `possible`: a hint,
 * which by default does not fail a run.
 */
export type Confidence = 'certain' | 'likely' | 'possible'

/** Number of a trap, or name of a rule without a number. */
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
  /** Declaration of the container. */
  declared?: SourceLine
  /** Findings that this one explains. */
  also?: ExplainedFinding[]
}

/** A finding that another one explains. */
export interface ExplainedFinding extends SourceLine, Record<string, unknown> {
  /** Short title. */
  title: string
  /** The figures in sentences. */
  text: string
}

/** A fault in the program. */
export interface Finding {
  /** Rule that reports it. */
  rule: RuleNumber
  /** Name of the fault within its rule, such as `race` or `work-in-write`. */
  id: string
  /** Short title. */
  title: string
  /** How sure the finding is. */
  confidence: Confidence
  /** Path of the guilty file; empty if it is unknown. */
  file: string
  /** Guilty line, from 1; 0 if it is unknown. */
  line: number
  /** Column, from 1; 0 if it is unknown. */
  column: number
  /** Name of the guilty function. */
  function: string
  /** Variable or property of a growing container. */
  name?: string
  /** Figures of the finding. */
  evidence: Evidence
  /** How to fix it. */
  fix: string
  /** Stack, innermost frame first. */
  frames: FindingFrame[]
  /** Loop time that the fault cost, in milliseconds. */
  time: number
}

/** Whether a rule was checked. */
export interface RuleStatus {
  /** Number of the trap, or name of the rule. */
  rule: RuleNumber
  /** Name of the fault. */
  id: string
  /** Fault that the rule detects. */
  title: string
  /** Whether the rule was checked. */
  looked: boolean
  /** Why the rule was not checked, or which cases it cannot detect. */
  reason?: string
}

/** Requests of a route. Durations are in milliseconds. At more than 1,000 requests a second, a random part of them is timed, and stands for the others. */
export interface Route {
  /** HTTP method. */
  method: string
  /** Route of the framework, or the path with its ids replaced by `:id`. */
  route: string
  /** Number of requests. */
  count: number
  /** Responses with a status of 500 or more. */
  errors: number
  /** Durations of the requests. */
  durations: Durations
  /** Time for which requests of the route held the loop in blocks. */
  held: number
  /** Estimated time for which requests of the route waited for blocks of other routes. */
  waited: number
}

/** A process or thread of the program. */
export interface ProcessSummary {
  /** Process id. */
  pid: number
  /** `threadId`; 0 is the main thread. */
  thread: number
  /** Role in the program. Only `examine` measures a `thread`. */
  role: 'primary' | 'cluster worker' | 'process' | 'thread'
  /** Path of its script. */
  script: string
  /** Number of requests. */
  requests: number
  /** Share of the time in which the loop was busy, 0 to 1. */
  utilization: number
  /** Number of blocks. */
  blocks: number
  /** Largest resident size, in bytes. */
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

/** Blocks of the loop. */
export interface BlockSummary {
  /** Number of blocks. */
  count: number
  /** Own time of the blocks: without the time in which the thread was starved or suspended. */
  own: BlockTimes
  /** Durations, including starved time. */
  wall: BlockTimes
}

/** A condition of `--fail`. */
export interface Condition {
  /** Text of the condition. */
  condition: string
  /** Value of its figure in this run: in milliseconds, as a share from 0 to 1, in bytes per second, or a number. */
  value: number | string
  /** Whether the condition is met, which fails the run. */
  failed: boolean
}

/** Figures of a quarter of a second of a process. */
export interface TimelineRow {
  /** End of this quarter of a second, as `Date.now()`. */
  at: number
  /** Used heap, in bytes. */
  heapUsed: number
  /** Resident memory, in bytes. */
  rss: number
  /** Requests that began. */
  requests: number
  /** Time in garbage collections, in milliseconds. */
  gc: number
  /** Share of the time in which the loop was busy, 0 to 1. */
  utilization: number
}

/** A block of the loop. */
export interface TimelineBlock {
  /** Beginning of the block, as `Date.now()`. */
  at: number
  /** Duration, in milliseconds. */
  duration: number
  /** Cause, as `offloop/watch` reports it. */
  cause: string
  /** Guilty function. */
  function: string
  /** Path of the guilty file. */
  file: string
  /** Guilty line, from 1. */
  line: number
}

/** Figures of one process over time. */
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

/** A node of the CPU profile. */
export interface FlameNode {
  /** Index of the caller; -1 for the root. */
  parent: number
  /** Name of the function. */
  name: string
  /** Path of the file of the function. */
  file: string
  /** Line of the function. */
  line: number
  /** Time in the function without its callees, in milliseconds. */
  self: number
}

/** Event loop of the busiest process. */
export interface LoopSummary {
  /** How long each iteration held the loop. */
  hold: Durations
  /** Time that a request would wait for the loop, for one arrival in each millisecond. */
  delay: Durations
  /** Share of the time in which the loop was busy, 0 to 1. */
  utilization: number
  /** Time in blocks in which the thread was ready to run, but got no core. In milliseconds. */
  starved: number
  /** Blocks of the loop. */
  blocks: BlockSummary
}

/** Garbage collections. */
export interface CollectionSummary {
  /** Share of the time in garbage collections, 0 to 1. */
  share: number
  /** Longest pause, in milliseconds. */
  longest: number
  /** Sum of the pauses, in milliseconds. */
  total: number
}

/** A container that grew between two heap snapshots. */
export interface GrownContainer {
  /** Variable or property. */
  name: string
  /** `Map`, `Set`, `Array`, `Object` or `other`. */
  kind: string
  /** Retaining path from a root of the heap. */
  path: string
  /** Entries in each snapshot. */
  entries: number[]
  /** Bytes in each snapshot. */
  bytes: number[]
}

/** Heap of the process that grows most. */
export interface HeapSummary {
  /** Used bytes at the end of the measurement. */
  used: number
  /** V8's heap limit, in bytes. */
  limit: number
  /** Growth in bytes per second. */
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
  /**
   * Responses with a status of 500 or more, an estimate at more than 1,000 requests a second. With `--load`, all errors, timeouts and
   * responses other than 2xx.
   */
  errors: number
}

/** Similar calls to one other service. */
export interface DownstreamCall {
  /** Protocol or client, such as `http` or `pg`. */
  kind: string
  /** Host and port, or path of a socket. */
  target: string
  /** Operation, shortened. */
  call: string
  /** Number of calls. */
  calls: number
  /** Calls that were identical to a call in flight. */
  duplicates: number
  /** Maximum number of identical calls in flight. */
  concurrent: number
  /** Mean duration, in milliseconds. */
  meanDuration: number
}

/** CPU profile as a tree. */
export interface Flame {
  /** Nodes of the tree, callers before callees. */
  nodes: FlameNode[]
  /** Number of samples. */
  samples: number
}

/** Overhead of the doctor. */
export interface Cost {
  /** Share of the processor time, 0 to 1. */
  share: number
  /**
   * Time by part, in milliseconds. `sampling`, `requests` and `calls` are estimated from their counts; other parts are measured. Calls
   * of the methods of `Map`, which take some nanoseconds longer, are not included.
   */
  parts: Record<string, number>
}

/** The result of a run. */
export interface Report {
  /** Version of the report format. */
  version: 1
  /** Version of Node.js. */
  node: string
  /** Command of the program. */
  command: string[]
  /** `Date.now()` at the beginning of the measurement. */
  began: number
  /** Duration of the measurement, in milliseconds. */
  duration: number
  /** Number of requests. */
  requests: number
  /** Cores of the machine. */
  cores: number
  /** CPU quota of the control group, in cores, if it has one. */
  quota?: number
  /**
   * `clean`: no finding above `possible`. `inconclusive`: too little was measured, the program was starved, the program or its load
   * generator failed, or most responses were errors.
   */
  verdict: 'clean' | 'findings' | 'inconclusive'
  /** Why the run is inconclusive or, with findings, how the program or its load generator failed, or which responses were errors. */
  reason?: string
  /** Findings, sorted by confidence, then by cost. */
  findings: Finding[]
  /** All rules, with their status. */
  rules: RuleStatus[]
  /** Conditions of `--fail`. */
  conditions: Condition[]
  /** The event loop. */
  loop: LoopSummary
  /** Garbage collections of the process with the largest share of them. */
  gc: CollectionSummary
  /** Heap of the process that grows most. */
  heap: HeapSummary
  /** Durations and errors of all requests. */
  request: RequestSummary
  /** Requests by route. */
  routes: Route[]
  /** Processes and threads. */
  processes: ProcessSummary[]
  /** Calls to other services. */
  downstream: DownstreamCall[]
  /** Figures over time, of up to 16 processes. */
  timeline: Timeline[]
  /** CPU profile of the process with the most samples; `null` without a profile. */
  flame: Flame | null
  /** Overhead of the doctor. */
  cost: Cost
}

/** Options of {@link examine}. Unknown options are rejected. */
export interface ExamineOptions {
  /** Minimum duration of a block: an integer of milliseconds, 10 to 60,000. Default: 25. */
  threshold?: number | undefined
  /** Rules to check, by number or id: at least one. Default: all. */
  rules?: readonly (number | string)[] | undefined
}

/** A report that can be written to a file. */
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
  /** Ends the measurement and returns its report. Later calls return the same report. Rejects if a probe failed. */
  stop(): Promise<ExaminedReport>
}

/**
 * Measures this process until `stop` is called, for tests. Warm the program up first, then send it requests until `stop`. Reports do
 * not name growing containers. Functions of Node.js that the program stored in variables before the call are not observed.
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
