/**
 * What tests of sockets over any path have in common: a byte stream that says of each byte where it belongs, and errnos
 * by name.
 */
import type { Network } from '../../../../node/program/sockets.js';
import { VerbsError, type Core, type Region } from '../../../../node/program/verbs.js';

/** Where {@link takeStream} listens. */
export const PORT = 5000;

/** One side's program. */
export type Part = (core: Core, network: Network, memory: Region) => Promise<unknown>;

/** The errno that a call fails with, `none` if it does not, or what else it throws as text. */
export async function errnoOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'none';
  } catch (error) {
    return error instanceof VerbsError ? error.code : String(error);
  }
}

/** Byte i of the stream. */
export const pattern = (i: number): number => (i * 31 + (i >> 8) * 7) & 0xff;

/** Sends `total` bytes of the stream to `host`, `piece` by `piece`. */
export const sendStream =
  (total: number, piece: number, host = 1): Part =>
  async (core, network, memory) => {
    const socket = await network.connect({ host, port: PORT });
    for (let done = 0; done < total; done += piece) {
      const length = Math.min(piece, total - done);
      const bytes = Uint8Array.from({ length }, (_, i) => pattern(done + i));
      await core.write(memory.address, bytes);
      await socket.send(memory.address, length);
    }
    await socket.close();
  };

/** Takes one connection's stream to its end: whether it was `total` bytes, and how many of them were wrong. */
export const takeStream =
  (total: number): Part =>
  async (core, network, memory) => {
    const listener = await network.listen(PORT);
    const socket = await listener.accept();
    let wrong = 0;
    let got = 0;
    for (;;) {
      const length = await socket.receive(memory.address, 100_000);
      if (length === 0) break;
      const bytes = await core.read(memory.address, length);
      for (let i = 0; i < length; i++) if (bytes[i] !== pattern(got + i)) wrong++;
      got += length;
    }
    await socket.close();
    await listener.close();
    return { complete: got === total, wrong };
  };
