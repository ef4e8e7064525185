/** What became of a connection, as a line for people and as fields for programs. */
import type { FaultedConnection, FaultedWay } from "../../fault/index.ts";

type Ended = FaultedConnection & { readonly proxy?: string };
type Row = readonly [type: string, fields: Readonly<Record<string, unknown>>];

/** Type and fields of its JSON line. */
export function connectionRow({ proxy, number, result, error }: Ended): Row {
	const which = { proxy, connection: number };
	if (result === undefined) return ["unreachable", { ...which, error: error?.message }];
	const way = ({ error: failure, ...figures }: FaultedWay): object => {
		return { ...figures, error: failure?.message };
	};
	const { upstream, downstream, fault } = result;
	return ["connection", { ...which, upstream: way(upstream), downstream: way(downstream), fault }];
}

/** Its line; and below it, for each direction, what faults have done to messages. */
export function connectionLines({ proxy, number, result, error }: Ended): string[] {
	const which = `${proxy ?? "connection"} ${number}`;
	if (result === undefined) return [`${which}: ${error?.message}`];
	const { upstream, downstream, fault } = result;
	const failure = upstream.error ?? downstream.error;
	const end = fault === undefined ? (failure?.message ?? "ended") : `cut by ${fault.toxic}`;
	const unit = upstream.messages === undefined ? "bytes" : "messages";
	const title = `${which}: ${wayText(upstream)} ${unit} up, ${wayText(downstream)} down, ${end}`;
	return [title, ...hitsText("up", upstream), ...hitsText("down", downstream)];
}

function wayText({ readBytes, passedBytes, messages }: FaultedWay): string {
	const came = messages?.received ?? readBytes;
	const passed = messages?.passed ?? passedBytes;
	return came === passed ? `${came}` : `${passed} of ${came}`;
}

function hitsText(direction: string, { messages }: FaultedWay): string[] {
	const hits = HITS.filter(([name]) => (messages?.[name] ?? 0) > 0);
	const words = hits.map(([name, word]) => `${messages?.[name]} ${word}`);
	return words.length === 0 ? [] : [`${direction}: ${words.join(", ")}`];
}

const HITS = [
	["loss", "lost"],
	["duplicate", "doubled"],
	["reorder", "reordered"],
	["corrupt", "corrupt"],
	["dropped", "dropped"],
] as const;
