// `k2 demo`: real trades through the whole line, killed in the middle with kill -9, and the proof. Main thread. With --kafka through a
// broker and a schema registry of its own. Invariant: whatever it started has ended when it ends, also after Ctrl-C and failures.
import type { Config } from '../../shared/config.ts'
import type { CommandIo } from '../command.ts'
import { Demo, TOPIC } from '../demo/demo.ts'
import { endServers, prepareFolder } from '../demo/demo-folder.ts'
import { brokersPlace, directoryPlace, serversFolder, startServers, upWords } from '../demo/demo-place.ts'

/** Exit code 0 only where the proof holds. Errors: DEMO_FOLDER, DEMO_STEP, DEMO_STOPPED, SERVICE_*. */
export async function demoCommand(config: Config<'demo'>, io: CommandIo): Promise<number> {
  const demo = new Demo(config, io)
  const onSignal = (signal: NodeJS.Signals): void => demo.stop(signal)
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    await prepareFolder(config.dir, config.keep)
    if (config.kafka) await throughKafka(demo, config, io)
    else await demo.steps(directoryPlace(config.dir))
    return 0
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

async function throughKafka(demo: Demo, config: Config<'demo'>, io: CommandIo): Promise<void> {
  const { dir, cache } = config
  try {
    demo.head('A Kafka broker and a schema registry, for this demo only', upWords(dir))
    const notice = (service: string, text: string): void => {
      io.err.write(`${service}: ${text}\n`)
    }
    const servers = await startServers(dir, cache, notice)
    demo.refuseStopped()
    demo.servers(servers)
    await demo.steps(brokersPlace(dir, TOPIC, servers))
  } finally {
    await endServers(serversFolder(dir))
  }
}
