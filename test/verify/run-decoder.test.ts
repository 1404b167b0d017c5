import { runDecoder } from '../../src/verify/run-decoder';

test('what decodes segments of encoder hosts is confined: limits, and none of our variables', async () => {
  process.env.SWARM_OF_THIS_TEST = 'shown';
  let said = '';
  const script = 'cat /proc/self/limits /proc/net/dev; env; cat > /dev/null';
  const complaints = await runDecoder({
    ...{ path: '/bin/sh', args: ['-c', script], segmentPaths: [], deadlineMs: 10_000, mostComplaints: 5 },
    onOutput: (chunk) => (said += chunk.toString()),
  }).finally(() => delete process.env.SWARM_OF_THIS_TEST);
  expect(complaints).toEqual([]);
  expect(said).toMatch(/Max open files +256 /);
  expect(said).toMatch(/Max core file size +0 /);
  expect(said).not.toContain('SWARM_OF_THIS_TEST');
});
