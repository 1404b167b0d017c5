import {
  connectableHost,
  hostAndPort,
  isEveryAddress,
  isHost,
  isLoopback,
  isLoopbackUrl,
  plainHost,
} from '../../src/platform/addresses';

test.each([
  ['0.0.0.0', true],
  ['::', true],
  ['0:0:0:0:0:0:0:0', true],
  ['[::]', true],
  ['0', true],
  ['::ffff:0.0.0.0', true],
  ['127.0.0.1', false],
  ['localhost', false],
])('a server on %s listens on every address: %s', (host, expected) => {
  expect(isEveryAddress(host)).toBe(expected);
});

test.each([
  ['0.0.0.0', '127.0.0.1:80'],
  ['::', '127.0.0.1:80'],
  ['::1', '[::1]:80'],
  ['fd00::7', '[fd00::7]:80'],
  ['10.0.0.7', '10.0.0.7:80'],
  ['encoder-2', 'encoder-2:80'],
])('a server on %s is connected to at %s', (host, address) => {
  expect(hostAndPort(connectableHost(host), 80)).toBe(address);
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['localhost', true],
  ['::1', true],
  ['[::1]', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['localhost.', true],
  ['LOCALHOST', true],
  ['127.example', false],
  ['localhost.example', false],
  ['10.0.0.7', false],
  ['', false],
])('%s is a name of this machine alone: %s', (name, expected) => {
  expect(isLoopback(name)).toBe(expected);
});

test.each([
  ['swarm.example.', 'swarm.example'],
  ['Swarm.Example', 'swarm.example'],
  ['müller.example', 'xn--mller-kva.example'],
  ['[FD00:0::7]', 'fd00::7'],
  ['127.1', '127.0.0.1'],
  [' 10.0.0.7 ', '10.0.0.7'],
])('%j is compared as %s', (host, plain) => {
  expect(plainHost(host)).toBe(plain);
});

test.each([
  ['encoder-2.example', true],
  ['10.0.0.7', true],
  ['[::1]', true],
  ['fe80::1%eth0', false],
  ['10.0.0.7:80', false],
  ['http://10.0.0.7', false],
  ['*', false],
  ['', false],
])('%j is a host: %s', (text, expected) => {
  expect(isHost(text)).toBe(expected);
});

test.each([
  ['http://127.0.0.1:7700', true],
  ['https://localhost', true],
  ['127.0.0.1:7233', true],
  ['localhost:7233', true],
  ['[::1]:7233', true],
  ['localhost.:7233', true],
  ['temporal.example:7233', false],
  ['https://localhost.example', false],
  ['not a host', false],
])('%s leads to this machine: %s', (url, expected) => {
  expect(isLoopbackUrl(url)).toBe(expected);
});
