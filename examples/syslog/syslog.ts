/** Sends messages to the system's log over /dev/log, whoever reads there: journald, rsyslog, syslog-ng. */
import { hostname } from "node:os";
import { type Datagrams, datagrams } from "socketry";

/** Who speaks; RFC 5424 section 6.2.1. */
export const FACILITIES = ["kern", "user", "mail", "daemon", "auth", "syslog"] as const;
/** How bad it is, the worst first. */
export const SEVERITIES: readonly string[] = [
	...["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"],
];

const MONTHS = [
	...["Jan", "Feb", "Mar", "Apr", "May", "Jun"],
	...["Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
];
const NIL = "-";

/** One message. */
export interface Message {
	readonly facility: (typeof FACILITIES)[number];
	readonly severity: string;
	/** Name of the program: printable ASCII without spaces. */
	readonly tag: string;
	readonly text: string;
	readonly time?: Date;
	/** RFC 5424 only: elements with their parameters. */
	readonly data?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

function priority({ facility, severity }: Message): number {
	const level = SEVERITIES.indexOf(severity);
	if (level < 0) throw new TypeError(`no severity: ${severity}`);
	return FACILITIES.indexOf(facility) * 8 + level;
}

// What a log takes for the end of a message; on a datagram it only looks odd.
function oneLine(text: string): string {
	return text.replace(/[\r\n\0]+/g, " ");
}

/** The old form, as libc's syslog(3) writes it to /dev/log: local time and no host; RFC 3164. */
export function formatOld(message: Message): string {
	const { tag, text, time = new Date() } = message;
	const day = String(time.getDate()).padStart(2);
	const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
		.map((part) => String(part).padStart(2, "0"))
		.join(":");
	const stamp = `${MONTHS[time.getMonth()]} ${day} ${clock}`;
	return `<${priority(message)}>${stamp} ${tag}[${process.pid}]: ${oneLine(text)}`;
}

/** The new form, with host, time zone and structured data; RFC 5424 section 6. */
export function formatNew(message: Message): string {
	const { tag, text, time = new Date(), data = {} } = message;
	const elements = Object.entries(data).map(([id, parameters]) => {
		const pairs = Object.entries(parameters).map(
			([name, value]) => ` ${name}="${value.replace(/["\\\]]/g, "\\$&")}"`,
		);
		return `[${id}${pairs.join("")}]`;
	});
	const structured = elements.length > 0 ? elements.join("") : NIL;
	const header = `<${priority(message)}>1 ${time.toISOString()} ${hostname()} ${tag} ${process.pid}`;
	return `${header} ${NIL} ${structured} ${oneLine(text)}`;
}

/** A way to the log, which may be restarted meanwhile. */
export class Syslog {
	readonly #socket: Datagrams;
	readonly #to: string;

	private constructor(socket: Datagrams, to: string) {
		this.#socket = socket;
		this.#to = to;
	}

	static async open(path = "/dev/log"): Promise<Syslog> {
		return new Syslog(await datagrams({ transport: "unix-dgram" }), `unix-dgram:${path}`);
	}

	/** Waits while the log's queue is full: nothing is dropped here. */
	async send(line: string): Promise<void> {
		await this.#socket.send(line, this.#to);
	}

	async close(): Promise<void> {
		await this.#socket.close();
	}
}
