/** A subject cannot run on this machine at this moment; the message says why and is printed with the results. */
export class UnavailableError extends Error {}
