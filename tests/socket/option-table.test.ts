import assert from "node:assert/strict";
import { test } from "node:test";
import {
	describeOption,
	listOptions,
	type OptionInput,
	type OptionName,
	type OptionValue,
	type ReadableOptionName,
	type WritableOptionName,
} from "#src/socket/option-table.ts";
import type { Credentials, Linger } from "#src/socket/option-value.ts";
import type { TcpInfo } from "#src/socket/tcp-info.ts";
import * as constants from "#src/sys/constants.ts";

type Equal<A, B> =
	(<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Expect<T extends true> = T;

/** The types follow the table; checked when this file is compiled. */
export type TypeTests = [
	Expect<Equal<OptionValue<"SO_RCVBUF">, number>>,
	Expect<Equal<OptionValue<"TCP_NODELAY">, boolean>>,
	Expect<Equal<OptionValue<"TCP_INFO">, TcpInfo>>,
	Expect<Equal<OptionValue<"SO_PEERCRED">, Credentials>>,
	Expect<Equal<OptionValue<"SO_COOKIE">, bigint>>,
	Expect<Equal<OptionInput<"SO_LINGER">, Linger>>,
	Expect<Equal<OptionInput<"SO_MAX_PACING_RATE">, bigint | number>>,
	Expect<Equal<OptionInput<"TCP_CONGESTION">, string>>,
	Expect<Equal<Extract<WritableOptionName, "TCP_INFO" | "SO_ERROR">, never>>,
	Expect<Equal<Extract<ReadableOptionName, "SO_SNDBUFFORCE" | "IP_ADD_MEMBERSHIP">, never>>,
];

const options = listOptions();

test("numbers and levels are those of the constants of the same name", () => {
	const numbers: Readonly<Record<string, number>> = { ...constants };
	for (const { name, option, level, levelName } of options) {
		assert.equal(option, numbers[name], name);
		assert.equal(level, numbers[levelName], name);
	}
});

test("the options of each manual page are in the order of their names", () => {
	for (const page of new Set(options.map(({ man }) => man))) {
		const names = options.filter(({ man }) => man === page).map(({ name }) => name);
		assert.deepEqual(names, names.toSorted(), page);
	}
});

test("every row says what the option means, and what it can do", () => {
	for (const { name, meaning, canRead, canWrite, since, man } of options) {
		assert.match(meaning, /^\S.*[^.\s]$/, name);
		assert.ok(canRead || canWrite, name);
		assert.match(since, /^(\d\.\d+)?$/, name);
		assert.match(man, /^[a-z0-9]+\(7\)$/, name);
	}
});

test("every option that people expect is there", () => {
	const expected =
		"SO_REUSEADDR SO_REUSEPORT SO_KEEPALIVE SO_LINGER SO_RCVBUF SO_SNDBUF SO_RCVBUFFORCE " +
		"SO_SNDBUFFORCE SO_RCVLOWAT SO_BROADCAST SO_BINDTODEVICE SO_MARK SO_PRIORITY SO_BUSY_POLL " +
		"SO_TIMESTAMPNS SO_ACCEPTCONN SO_DOMAIN SO_TYPE SO_PROTOCOL SO_ERROR SO_COOKIE " +
		"SO_PASSCRED SO_PEERCRED SO_INCOMING_CPU SO_ZEROCOPY TCP_NODELAY TCP_CORK TCP_QUICKACK " +
		"TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_USER_TIMEOUT TCP_FASTOPEN " +
		"TCP_FASTOPEN_CONNECT TCP_DEFER_ACCEPT TCP_MAXSEG TCP_SYNCNT TCP_LINGER2 TCP_CONGESTION " +
		"TCP_INFO TCP_NOTSENT_LOWAT IP_TOS IP_TTL IP_FREEBIND IP_TRANSPARENT " +
		"IP_BIND_ADDRESS_NO_PORT IP_MTU_DISCOVER IP_MTU IPV6_V6ONLY IPV6_UNICAST_HOPS IPV6_TCLASS " +
		"UDP_CORK UDP_SEGMENT UDP_GRO";
	for (const name of expected.split(" "))
		assert.equal(describeOption(name as OptionName).name, name);
});

test("a name that is no option is refused", () => {
	for (const name of ["SO_NONSENSE", "toString", "__proto__", ""]) {
		assert.throws(() => describeOption(name as OptionName), { code: "ERR_INVALID_ARG_VALUE" });
	}
	assert.throws(() => describeOption(7 as unknown as OptionName), { code: "ERR_INVALID_ARG_TYPE" });
});
