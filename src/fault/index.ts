/** `socketry/fault`: connections that are slow, cut, silent or half gone, on purpose and repeatably. */

export type { RandomSource } from "../random.ts";
export type { FaultClock } from "./clock.ts";
export { ManualClock, systemClock } from "./clock.ts";
export type { FaultControl, FaultControlOptions } from "./control-server.ts";
export { faultControl } from "./control-server.ts";
export type { FaultDatagrams, FaultDatagramsOptions } from "./fault-datagrams.ts";
export { faultDatagrams } from "./fault-datagrams.ts";
export type { FaultAccess, FaultProxy, FaultProxyOptions } from "./fault-proxy.ts";
export { faultProxy } from "./fault-proxy.ts";
export type {
	FaultDone,
	FaultedConnection,
	FaultedWay,
	FaultRelay,
	FaultRelayOptions,
	FaultRelayResult,
} from "./fault-relay.ts";
export { faultRelay } from "./fault-relay.ts";
export type { MessageFaultCounts } from "./message-counts.ts";
export type { ChosenToxic, FaultEvent, FaultPlanOptions } from "./plan.ts";
export { FaultPlan } from "./plan.ts";
export type {
	DatagramToxicType,
	FaultDirection,
	FaultKind,
	PacketToxicType,
	StreamToxicType,
	Toxic,
	ToxicRequest,
	ToxicType,
} from "./toxic.ts";
