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

/** Its line. */
export function connectionLine({ proxy, number, result, error }: Ended): string {
	const which = proxy === undefined ? "" : `${proxy} `;
	if (result === undefined) return `${which}connection ${number}: ${error?.message}`;
	const { upstream, downstream, fault } = result;
	const failure = upstream.error ?? downstream.error;
	const end = fault === undefined ? (failure?.message ?? "ended") : `cut by ${fault.toxic}`;
	return `${which}connection ${number}: ${wayText(upstream)} up, ${wayText(downstream)} down, ${end}`;
}

function wayText({ readBytes, passedBytes, messages }: FaultedWay): string {
	const [came, passed, unit] =
		messages === undefined
			? [readBytes, passedBytes, "bytes"]
			: [messages.received, messages.passed, "messages"];
	const text = came === passed ? `${came} ${unit}` : `${passed} of ${came} ${unit}`;
	const hits = messages === undefined ? [] : HITS.filter((name) => messages[name] > 0);
	if (messages === undefined || hits.length === 0) return text;
	return `${text} (${hits.map((name) => `${name} ${messages[name]}`).join(", ")})`;
}

const HITS = ["loss", "duplicate", "reorder", "corrupt", "dropped"] as const;
