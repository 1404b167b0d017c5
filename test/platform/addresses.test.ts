import {
  connectableHost,
  hostAndPort,
  isEveryAddress,
  isLoopback,
  isLoopbackUrl,
} from '../../src/platform/addresses';

test.each([
  ['0.0.0.0', true],
  ['::', true],
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
  ['127.example', false],
  ['localhost.example', false],
  ['10.0.0.7', false],
  ['', false],
])('%s is a name of this machine alone: %s', (name, expected) => {
  expect(isLoopback(name)).toBe(expected);
});

test.each([
  ['http://127.0.0.1:7700', true],
  ['https://localhost', true],
  ['127.0.0.1:7233', true],
  ['localhost:7233', true],
  ['[::1]:7233', true],
  ['temporal.example:7233', false],
  ['https://localhost.example', false],
  ['not a host', false],
])('%s leads to this machine: %s', (url, expected) => {
  expect(isLoopbackUrl(url)).toBe(expected);
});
