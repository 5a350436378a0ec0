/** Where what the hosts of a process capture goes. */
export interface CaptureSink {
  /** The next bytes of a host's capture: whole blocks of pcapng. */
  append(host: number, bytes: Uint8Array): void;
  /** Resolves when there is room again; undefined while there is. */
  readonly room: Promise<void> | undefined;
  /** Lets nothing wait for more. */
  flush(): void;
  /** Flushes, and takes nothing any more. */
  close(): void;
}
