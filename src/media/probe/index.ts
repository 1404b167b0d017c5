export { CASE_LIMIT_MS, combineCases, measureCase, readEncode, type MeasuredBuild } from './measure-build';
export { PROBE_CASES, PROBE_FIRST_GOP, PROBE_GOPS, type ProbeCase } from './probe-cases';
export { makeReferenceClip, type ReferenceClip } from './reference-clip';
export { serveClip } from './clip-server';
export { encodeOnHost, type ServedFrom } from './encode-on-host';
export { resolveBuild } from './resolve-build';
export { requireDigest, requireSameFacts, requireSpeed, selfTestCases } from './self-test-rules';
