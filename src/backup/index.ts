export { backUp, type BackupSummary } from './backup';
export { restore } from './restore';
