/** `socketry/web`: streams as Web Streams. */

export type { WebStreamPair } from "./to-web.ts";
export { toWeb } from "./to-web.ts";
