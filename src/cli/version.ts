import manifest from '../../package.json' with { type: 'json' };

/** The release, from the one place where it is written. */
export const VERSION: string = manifest.version;
