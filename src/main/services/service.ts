// What each server of `k2 services` says of itself: what it needs, how it is installed, started and asked whether it is well.
// Types only; main thread.
import type { PortName, Ports, ServiceName } from '../../shared/service-names.ts'

/** What servers run with. */
export interface Runtimes {
  /** Major version of `java`, or null without one. */
  readonly java: number | null
  /** A Redis on the PATH: its command. */
  readonly redisServer: string | null
}

/** What was found on this machine; the tools are only what installing needs. */
export interface Machine extends Runtimes {
  readonly javac: boolean
  readonly maven: boolean
  readonly go: boolean
  readonly tar: boolean
  /** apt-get and dpkg-deb. */
  readonly debian: boolean
}

/** Something missing: what, and how to get it. */
export interface Need {
  readonly what: string
  readonly install: string
}

/** Runs a program to its end, its output in the install log; rejects unless it exits 0. */
export type RunTool = (command: string, words: readonly string[], folder: string) => Promise<void>

export interface Installation {
  /** Name and version; with the hash of its files the name of the folder in the cache. */
  readonly name: string
  /** Files of services/<service>/ that are copied in before `install` runs. */
  readonly files: readonly string[]
  readonly install: (folder: string, run: RunTool) => Promise<void>
}

/** Where one server lives. */
export interface Place {
  /** Its installation in the cache; empty where the machine's own program is used. */
  readonly installed: string
  /** Its own folder: data and the settings written for it. */
  readonly data: string
  readonly ports: Ports
  /** Lines of Kafka's server.properties that come after those of K2, and so before them. */
  readonly brokerSettings: string
}

export interface Launch {
  readonly command: string
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly folder: string
}

export interface Service {
  readonly name: ServiceName
  readonly title: string
  /** The first is the one that clients use. */
  readonly ports: readonly [PortName, ...PortName[]]
  readonly address: (ports: Ports) => string
  /** Missing to run it, and where it is not installed yet also to install it. */
  readonly needs: (machine: Machine, isInstalled: boolean) => readonly Need[]
  /** Null where the machine's own program is used. */
  readonly installation: () => Installation | null
  /** Before each start: folders, settings. */
  readonly prepare: (place: Place, run: RunTool) => Promise<void>
  readonly launch: (place: Place) => Launch
  /** Speaks the server's own protocol; rejects with the reason while it is not well. */
  readonly probe: (ports: Ports) => Promise<void>
  /** Once after each start, when it answers: what cannot be said on its command line. */
  readonly settle?: (ports: Ports) => Promise<void>
}
