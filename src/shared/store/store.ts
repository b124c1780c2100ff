// Port: where data and metadata files live. Locations are absolute URIs as Iceberg metadata spells them.

export interface Store {
  /** Scheme and root this store answers for, e.g. `file:///srv/warehouse`. */
  readonly root: string
  /**
   * Writes a whole file, visible at once or not at all, durable when the promise resolves.
   * Errors: STORE_EXISTS if the location is taken (nothing is overwritten), STORE_FULL, STORE_NOT_WRITABLE, STORE_IO.
   */
  putIfAbsent(location: string, bytes: Uint8Array): Promise<void>
  /** Reads a file, or its bytes [first, next). Errors: STORE_MISSING, STORE_IO. */
  read(location: string, range?: { readonly first: number; readonly next: number }): Promise<Uint8Array>
  /** Size in bytes, or null where there is no such file. */
  size(location: string): Promise<number | null>
  /** Deletes a file; a missing one is no error. */
  delete(location: string): Promise<void>
  /** Best-effort overwrite of a small pointer file (version-hint.text); never relied on. */
  hint(location: string, text: string): Promise<void>
}
