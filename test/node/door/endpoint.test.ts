import { expect, test } from 'vitest';
import { endpointOf } from '../../../node/door/endpoint.js';

test.each([
  ['ws://node7:7601', 'node7', 7601],
  ['ws://node7:80', 'node7', 80],
  ['wss://node7:443', 'node7', 443],
  ['wss://[2001:db8::7]:7601', '2001:db8::7', 7601],
])('%s leads to the port that it names, the scheme’s own too', (url, host, port) => {
  expect(endpointOf(new URL(url))).toEqual({ host, port });
});
