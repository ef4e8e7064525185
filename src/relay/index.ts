/** `socketry/relay`: two streams joined into one connection. */

export type { Relay, RelayedWay, RelayOptions, RelayResult } from "./relay.ts";
export { relay } from "./relay.ts";
