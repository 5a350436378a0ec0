import { expect, test } from 'vitest';
import { PeerConnection } from '../../../coordinator/cluster/peer-connection.js';
import { dial, openDoor } from '../../../node/door/admission.js';

test('a message that its listener cannot deal with ends its connection and no other', async () => {
  const credentials = { token: 'a-token-of-this-cluster' };
  const closed: (string | undefined)[] = [];
  const heard: string[] = [];
  const door = await openDoor({
    ...{ credentials, maxPayload: 1024 },
    paths: {
      '/client': (socket) =>
        PeerConnection.over<{ says: string }, object>(socket, (value) => value as never, {
          heard: ({ says }) => {
            if (says === 'the unforeseen') throw new TypeError('no such field');
            heard.push(says);
          },
          closed: (reason) => closed.push(reason),
        }),
    },
  });
  const connect = async (): Promise<PeerConnection<object>> => {
    const socket = await dial(`ws://127.0.0.1:${door.port}/client`, credentials, 1024);
    return PeerConnection.over<object, object>(socket, () => 'nothing is due', {
      heard: () => undefined,
      closed: () => undefined,
    });
  };
  try {
    const [one, other] = [await connect(), await connect()];
    one.send({ says: 'the unforeseen' });
    await expect.poll(() => closed.length).toBe(1);
    expect(closed[0]).toMatch(
      /^sent a message that could not be handled: TypeError: no such field\n/,
    );
    other.send({ says: 'good day' });
    await expect.poll(() => heard).toEqual(['good day']);
    expect(other.isOpen).toBe(true);
  } finally {
    await door.close();
  }
});
