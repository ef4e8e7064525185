/** `socketry/systemd`: sockets from a service manager, and telling it how the program is. */

export { SystemdError } from "../errors.ts";
export type { Passable } from "../socket/passable.ts";
export type { NamedDescriptors, SpawnArguments } from "./activated.ts";
export { activated } from "./activated.ts";
export type { FromSystemdOptions, PassedDescriptor } from "./from-systemd.ts";
export { fromSystemd } from "./from-systemd.ts";
export type { NotifyOptions } from "./notify.ts";
export { notify, notifyBarrier } from "./notify.ts";
export type { ServiceState, StoredDescriptors } from "./service-state.ts";
export type { Watchdog, WatchdogOptions } from "./watchdog.ts";
export { watchdog } from "./watchdog.ts";
