export { AudienceMeter, type MeterOptions, type Viewer } from './audience-meter';
export { cmcdSessionOf } from './cmcd';
export { LogAudience, type CountedRow } from './log-audience';
export { watchedAt, watchedBy, type Watched } from './player-path';
export { RequestLog, targetOf, type LoggedRequest } from './request-log';
export { ACTIVE_MS } from './viewer-counter';
export { ViewerRegions } from './viewer-regions';
