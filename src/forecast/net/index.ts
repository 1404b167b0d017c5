export { generatedSeries } from './generated-series';
export { forecastOrigins, netMember } from './net-member';
export { ARCHITECTURE, QuantileNet, WEIGHT_SHAPES, type Weights } from './quantile-net';
export { DAYS_BEFORE_ORIGIN, ScaledSeries, dayStepsOf } from './scaled-series';
