export { channel } from './channel';
export { controlCycle } from './control-cycle';
export { drainEncoder } from './drain';
export { forecasting } from './forecasting';
export { handoff } from './handoff';
export { recovery } from './recovery';
export { retraining } from './retraining';
export { scaleIn, scaleOut } from './scaling';
export { swarm } from './swarm';
