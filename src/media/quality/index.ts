export { readInputGop } from './input-gop';
export { encodeReferenceGop } from './reference-gop';
export { ssimOf } from './similarity';
export { GopQuality } from './gop-quality';
