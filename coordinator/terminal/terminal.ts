/**
 * Where the commands write. A reader that went away (`pinwire run ... | head -1`) ends the writing, not the work: what
 * was launched is still supervised, and results still reach their files.
 */
export interface Terminal {
  /** To standard output, as it is. */
  write(text: string): void;
  /** One line to standard error. */
  error(line: string): void;
  /** Standard error as it is, for what is overwritten in place. */
  readonly status: { readonly isTerminal: boolean; write(text: string): void };
}

export function processTerminal(): Terminal {
  const quietly = (stream: NodeJS.WriteStream): ((text: string) => void) => {
    let closed = false;
    stream.on('error', () => {
      closed = true;
    });
    return (text) => {
      if (!closed) stream.write(text);
    };
  };
  const write = quietly(process.stdout);
  const error = quietly(process.stderr);
  return {
    write,
    error: (line) => error(`${line}\n`),
    status: { isTerminal: process.stderr.isTTY, write: error },
  };
}
