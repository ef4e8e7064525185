/** What this platform and kernel can do, found out by trying. */
import { requireString } from "../arguments.ts";
import { InvalidValueError } from "../errors.ts";
import {
	AF_INET,
	AF_INET6,
	AF_UNIX,
	AF_VSOCK,
	IPPROTO_MPTCP,
	SOCK_CLOEXEC,
	SOCK_DGRAM,
	SOCK_SEQPACKET,
	SOCK_STREAM,
} from "../sys/constants.ts";
import { sys } from "../sys/current.ts";
import { ENOPROTOOPT, EOPNOTSUPP } from "../sys/errno.ts";
import { addonFailure } from "../sys/native.ts";
import { describeOption, type OptionName } from "./option-table.ts";

/** Kinds of socket that not every kernel has; `addon` is the native part without which there is none at all. */
export type KindFeature = "addon" | "ipv6" | "mptcp" | "unix-seqpacket" | "vsock";

/** What `supports` can be asked for: a kind of socket, or a socket option by its kernel name. */
export type Feature = KindFeature | OptionName;

type Arguments = readonly [domain: number, type: number, protocol: number];

const KINDS: Readonly<Record<Exclude<KindFeature, "addon">, Arguments>> = {
	ipv6: [AF_INET6, SOCK_STREAM, 0],
	mptcp: [AF_INET, SOCK_STREAM, IPPROTO_MPTCP],
	"unix-seqpacket": [AF_UNIX, SOCK_SEQPACKET, 0],
	vsock: [AF_VSOCK, SOCK_STREAM, 0],
};

// A socket that each family of options applies to, by the section of the manual.
const OPTION_SOCKETS: Readonly<Record<string, Arguments>> = {
	"socket(7)": [AF_INET, SOCK_STREAM, 0],
	"unix(7)": [AF_UNIX, SOCK_STREAM, 0],
	"tcp(7)": [AF_INET, SOCK_STREAM, 0],
	"ip(7)": [AF_INET, SOCK_DGRAM, 0],
	"ipv6(7)": [AF_INET6, SOCK_DGRAM, 0],
	"udp(7)": [AF_INET, SOCK_DGRAM, 0],
};

const VALUE_BYTES = 256;
const answers = new Map<string, boolean>();

/**
 * Tells whether a feature can be used here. The answer is found out once, by opening a socket for a moment, and remembered.
 *
 * @param feature for an option: whether the kernel knows it, not whether you are privileged to set it
 * @throws {InvalidValueError} no such feature, or an option that can only be set and so cannot be asked for
 */
export function supports(feature: Feature): boolean {
	requireString("feature", feature);
	const known = answers.get(feature);
	if (known !== undefined) return known;
	const answer = find(feature);
	answers.set(feature, answer);
	return answer;
}

function find(feature: Feature): boolean {
	if (feature === "addon") return addonFailure === undefined;
	const kind = Object.hasOwn(KINDS, feature) ? KINDS[feature as keyof typeof KINDS] : undefined;
	if (kind === undefined) return knowsOption(feature as OptionName);
	return addonFailure === undefined && withSocket(kind, () => true);
}

function knowsOption(name: OptionName): boolean {
	const { canRead, level, option, man } = describeOption(name);
	if (!canRead) {
		throw new InvalidValueError("feature", "must be an option that can be read", name);
	}
	const kind = OPTION_SOCKETS[man];
	if (addonFailure !== undefined || kind === undefined) return false;
	return withSocket(kind, (fd) => {
		const rc = sys.getsockopt(fd, level, option, new Uint8Array(VALUE_BYTES));
		return rc !== ENOPROTOOPT && rc !== EOPNOTSUPP;
	});
}

function withSocket([domain, type, protocol]: Arguments, ask: (fd: number) => boolean): boolean {
	const fd = sys.socket(domain, type | SOCK_CLOEXEC, protocol);
	if (fd < 0) return false;
	try {
		return ask(fd);
	} finally {
		sys.close(fd);
	}
}
