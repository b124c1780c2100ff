// What a rate of messages needs: pods, partitions, commits, files, requests, network, storage, from figures measured by the bench and
// assumptions named beside them. Pure. Invariant: each row carries its formula; no number of the result is typed in.

/** Measured: of `line-kafka` in one bench. */
export interface ScalingInputs {
  /** When it was measured (ISO), on which processor and Node, with how many messages. */
  readonly at: string
  readonly cpu: string
  readonly node: string
  readonly messages: number
  /** All threads of K2, user and system. */
  readonly cpuUsPerMessage: number
  readonly mainCpuUsPerMessage: number
  readonly brokerCpuUsPerMessage: number
  readonly rssMb: number
  /** Compressed, as the broker keeps and sends it. */
  readonly brokerBytesPerMessage: number
  readonly tableBytesPerMessage: number
  readonly rowsPerFile: number
  /** Median, SQLite catalog and a folder. */
  readonly commitMs: number
}

/** Not measured here: change them for your case. */
export interface ScalingAssumptions {
  /** Share of its cores that a pod is planned to use. */
  readonly load: number
  readonly coresPerPod: number
  readonly commitSeconds: number
  /** Most records of one commit. */
  readonly commitRows: number
  /** Share of a table's time that its commits may take one after the other, so that pods seldom meet. */
  readonly commitShare: number
  readonly partitionBytesPerSecond: number
  readonly replicas: number
  readonly retentionHours: number
  readonly putsPerCommit: number
  /** US dollars; list prices of S3 Standard in us-east-1, 2026. */
  readonly putDollars: number
  readonly storageDollarsPerGbMonth: number
}

export const standardAssumptions: ScalingAssumptions = {
  load: 0.6,
  coresPerPod: 4,
  commitSeconds: 10,
  commitRows: 1_000_000,
  commitShare: 0.5,
  partitionBytesPerSecond: 10e6,
  replicas: 3,
  retentionHours: 24,
  putsPerCommit: 3,
  putDollars: 0.005 / 1000,
  storageDollarsPerGbMonth: 0.023,
}

export interface ScalingRow {
  readonly name: string
  readonly formula: string
  readonly unit: string
  readonly value: number
}

const SECONDS_A_DAY = 86_400
const DAYS_A_MONTH = 30

/** `rate`: messages a second. */
export function scale(inputs: ScalingInputs, given: ScalingAssumptions, rate: number): readonly ScalingRow[] {
  const podRate =
    1e6 * Math.min((given.coresPerPod * given.load) / inputs.cpuUsPerMessage, given.load / inputs.mainCpuUsPerMessage)
  const pods = Math.ceil(rate / podRate)
  /** MB/s. */
  const wire = (rate * inputs.brokerBytesPerMessage) / 1e6
  const out = (rate * inputs.tableBytesPerMessage) / 1e6
  const commits = pods * Math.max(1 / given.commitSeconds, rate / pods / given.commitRows)
  const coresOf = (cpuUs: number): number => (rate * cpuUs) / 1e6 / given.load
  const podFormula = 'the smaller of cores × load ÷ CPU and load ÷ main thread'
  const diskTb = (wire * 3600 * given.retentionHours * given.replicas) / 1e6
  const partitions = Math.max(2 * pods, Math.ceil((wire * 1e6) / given.partitionBytesPerSecond))
  return [
    row('cores of K2', '', 'rate × CPU ÷ load', coresOf(inputs.cpuUsPerMessage)),
    row('messages a second of a pod', 'msg/s', podFormula, podRate),
    row('pods', '', 'rate ÷ messages a second of a pod, up', pods),
    row('memory of all pods', 'GB', 'pods × RSS', (pods * inputs.rssMb) / 1024),
    row('network of a pod, in and out', 'MB/s', '(from brokers + to S3) ÷ pods', (wire + out) / pods),
    ...commitRows(inputs, given, { pods, commits }),
    ...storageRows(inputs, given, { rate, commits, out }),
    row('bytes from the brokers', 'MB/s', 'rate × broker bytes', wire),
    row('partitions', '', 'the larger of 2 × pods and bytes from the brokers ÷ those of a partition, up', partitions),
    row('broker cores for K2’s fetches', '', 'rate × broker CPU ÷ load', coresOf(inputs.brokerCpuUsPerMessage)),
    row('broker disks', 'TB', 'bytes from the brokers × 3,600 × hours × replicas', diskTb),
  ]
}

const row = (name: string, unit: string, formula: string, value: number): ScalingRow => ({ name, unit, formula, value })

/** Commits to one table follow one another; the pods of a table therefore share its time. */
function commitRows(
  inputs: ScalingInputs,
  given: ScalingAssumptions,
  { pods, commits }: { readonly pods: number; readonly commits: number },
): readonly ScalingRow[] {
  const tables = Math.ceil((commits * inputs.commitMs) / 1000 / given.commitShare)
  const commitFormula = 'pods × the larger of 1 ÷ interval and rate ÷ pods ÷ records of a commit'
  return [
    row('commits a second, all tables', '', commitFormula, commits),
    row('tables, so that commits do not queue', '', 'commits a second × commit time ÷ share, up', tables),
    row('pods that commit to a table', '', 'pods ÷ tables', pods / tables),
  ]
}

interface Flow {
  readonly rate: number
  /** A second. */
  readonly commits: number
  /** MB/s to the store. */
  readonly out: number
}

function storageRows(
  inputs: ScalingInputs,
  given: ScalingAssumptions,
  { rate, commits, out }: Flow,
): readonly ScalingRow[] {
  const files = (rate * SECONDS_A_DAY) / inputs.rowsPerFile
  const puts = files + commits * SECONDS_A_DAY * given.putsPerCommit
  const tbADay = (out * SECONDS_A_DAY) / 1e6
  const dollarsAMonth = tbADay * 1000 * DAYS_A_MONTH * given.storageDollarsPerGbMonth
  return [
    row('data files a day, before compaction', '', 'rate × 86,400 ÷ rows of a file', files),
    row('S3 PUT requests a day', '', 'data files + commits × 86,400 × requests of a commit', puts),
    row('S3 PUT requests, cost a day', '$', 'requests × price', puts * given.putDollars),
    row('bytes to S3', 'MB/s', 'rate × table bytes', out),
    row('table grows a day', 'TB', 'bytes to S3 × 86,400', tbADay),
    row('S3 storage, cost a month for each month kept', '$', 'table grows a day × 30 × price', dollarsAMonth),
  ]
}

export const RATES = [1e6, 10e6, 100e6] as const

/** The generated part of docs/scaling.md. */
export function renderScaling(inputs: ScalingInputs, given: ScalingAssumptions = standardAssumptions): string {
  const columns = RATES.map((rate) => scale(inputs, given, rate))
  const [first = []] = columns
  const need = first.map(({ name, unit, formula }, index) =>
    line([
      unit === '' ? name : `${name} (${unit})`,
      formula,
      ...columns.map((column) => readable(column[index]?.value ?? Number.NaN)),
    ]),
  )
  return [
    `Measured ${inputs.at.slice(0, 10)} on ${inputs.cpu}, Node ${inputs.node}, by \`line-kafka\` with ${readable(inputs.messages)} messages:`,
    '',
    line(['Measured', 'Value']),
    line(['---', '---:']),
    ...measuredRows(inputs),
    '',
    line(['Assumed', 'Value']),
    line(['---', '---:']),
    ...assumedRows(given),
    '',
    line(['Need', 'Formula', ...RATES.map((rate) => `${rate / 1e6} M msg/s`)]),
    line(['---', '---', ...RATES.map(() => '---:')]),
    ...need,
  ].join('\n')
}

const measuredRows = (inputs: ScalingInputs): readonly string[] => [
  line(['CPU of K2, all threads', `${readable(inputs.cpuUsPerMessage)} µs/msg`]),
  line(['of it the main thread', `${readable(inputs.mainCpuUsPerMessage)} µs/msg`]),
  line(['CPU of the broker', `${readable(inputs.brokerCpuUsPerMessage)} µs/msg`]),
  line(['RSS', `${readable(inputs.rssMb)} MB`]),
  line(['broker bytes, lz4', `${readable(inputs.brokerBytesPerMessage)} B/msg`]),
  line(['table bytes, zstd', `${readable(inputs.tableBytesPerMessage)} B/msg`]),
  line(['rows of a file', readable(inputs.rowsPerFile)]),
  line(['commit time, SQLite catalog and a folder', `${readable(inputs.commitMs)} ms`]),
]

const assumedRows = (given: ScalingAssumptions): readonly string[] => [
  line(['load planned for a core', readable(given.load)]),
  line(['cores of a pod', readable(given.coresPerPod)]),
  line(['commit interval', `${readable(given.commitSeconds)} s`]),
  line(['records of a commit at most', readable(given.commitRows)]),
  line(['share of a table’s time that commits may take', readable(given.commitShare)]),
  line(['bytes a second that a partition carries well', `${readable(given.partitionBytesPerSecond / 1e6)} MB/s`]),
  line(['replicas, retention of the topic', `${given.replicas}, ${given.retentionHours} h`]),
  line(['PUT requests of a commit: manifest, manifest list, metadata', readable(given.putsPerCommit)]),
  line(['S3, 1,000 PUT requests', `$${given.putDollars * 1000}`]),
  line(['S3, a GB for a month', `$${given.storageDollarsPerGbMonth}`]),
]

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** Three digits that count, whole above 100. */
function readable(value: number): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: digits })
}
