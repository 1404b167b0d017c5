import { auditFence, type AuditedEntry } from '../../bench/lib/fence-audit';

const entry = (gop: number, token: number, owner: string): AuditedEntry => ({
  gop,
  token,
  encoderId: owner,
  sessionId: `${owner}-s`,
});

test('a ledger with a handoff passes', () => {
  expect(auditFence('ch', [entry(0, 1, 'a'), entry(1, 1, 'a'), entry(2, 2, 'b')])).toEqual([]);
});

test('a declared gap has no publisher to check', () => {
  const gap = { ...entry(1, 2, 'b'), gapReason: 'left the ring' };
  expect(auditFence('ch', [entry(0, 1, 'a'), gap, entry(2, 2, 'c')])).toEqual([]);
});

test.each([
  ['a hole', [entry(0, 1, 'a'), entry(2, 1, 'a')], 'GOP 2 follows GOP 0'],
  ['a repeated GOP', [entry(0, 1, 'a'), entry(0, 1, 'a')], 'GOP 0 follows GOP 0'],
  ['a token that goes down', [entry(0, 2, 'a'), entry(1, 1, 'b')], 'token 1 after token 2'],
  ['two publishers with one token', [entry(0, 1, 'a'), entry(1, 1, 'b')], 'token 1 was used by'],
])('%s is found', (_name, ledger, fault) => {
  expect(auditFence('ch', ledger).join()).toContain(fault);
});
