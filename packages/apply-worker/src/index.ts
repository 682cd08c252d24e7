export { ApplyLoop } from './apply-loop.js';
export { PeerLoop } from './peer-loop.js';
export { createApplyLoop } from './create-apply-loop.js';
export type { ApplyEnvironment, StepResult } from './context.js';
