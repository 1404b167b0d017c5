export { Packager, type PackagedFragment, type PackagerOptions, type ThreadProgram } from './packager';
export { soundTracksOf, type FoundSound, type SoundFormat } from './sound-tracks';
export type { FragmentJob, TrackOfGop } from './fragment';
