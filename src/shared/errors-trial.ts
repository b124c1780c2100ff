// Error codes of what K2 is tried with: the demo, and the servers that it starts. Pure data; a part of errors.ts.
import type { ErrorRow } from './errors.ts'

export const trialErrors = {
  DEMO_FOLDER: {
    action: 'stop',
    text: 'folder is not one of a demo, or cannot be written',
    help: 'choose an empty --dir; only a folder with the marker of an earlier demo is cleared',
  },
  DEMO_STOPPED: { action: 'stop', text: 'stopped by a signal', help: 'nothing that the demo started still runs' },
  DEMO_STEP: { action: 'stop', text: 'a step of the demo failed', help: 'its own message stands above' },
  // Servers of k2 services
  SERVICE_TOOLS: {
    action: 'stop',
    text: 'servers need programs that this machine does not have',
    help: 'install them, or choose other servers with --only; nothing was started',
  },
  SERVICE_PORT: {
    action: 'stop',
    text: 'port is taken',
    help: 'choose others with --ports; nothing was started',
  },
  SERVICE_INSTALL: {
    action: 'stop',
    text: 'server could not be installed',
    help: 'see its log; the package registries must be within reach',
  },
  SERVICE_START: { action: 'stop', text: 'server did not become well', help: 'see its log' },
  SERVICE_STOP: { action: 'stop', text: 'process does not end', help: 'end it by its pid' },
  SERVICE_STATE: {
    action: 'stop',
    text: 'folder of the servers cannot be used',
    help: 'check --dir; end by pid what its state.json names before you remove it',
  },
} as const satisfies Record<string, ErrorRow>
