/**
 * Compares every constant of src/sys with the C headers of this machine.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../support/root.ts";

/** Both sets define what their headers know; they cannot be included together. */
const HEADER_SETS: readonly (readonly string[])[] = [
	[
		"sys/types.h",
		"sys/socket.h",
		"sys/mman.h",
		"sys/un.h",
		"sys/uio.h",
		"sys/epoll.h",
		"sys/file.h",
		"netinet/in.h",
		"netinet/ip.h",
		"netinet/tcp.h",
		"netinet/udp.h",
		"poll.h",
		"fcntl.h",
		"errno.h",
		"linux/vm_sockets.h",
		"linux/errqueue.h",
		"linux/net_tstamp.h",
		"linux/filter.h",
	],
	[
		"asm/socket.h",
		"asm/fcntl.h",
		"asm/errno.h",
		"asm/poll.h",
		"linux/in.h",
		"linux/in6.h",
		"linux/tcp.h",
		"linux/udp.h",
		"linux/vm_sockets.h",
	],
];

const cc = process.env["CC"] ?? "cc";
const skip = reasonToSkip();
let folder = "";

before(() => {
	folder = mkdtempSync(join(tmpdir(), "socketry-constants-"));
});

after(() => {
	rmSync(folder, { recursive: true, force: true });
});

test("every constant of src/sys/constants.ts has the value of the C headers", {
	skip,
}, async (context) => {
	await compare("constants", (value) => value, context.diagnostic.bind(context));
});

test("every error number of src/sys/errno.ts is the negative of the C headers' value", {
	skip,
}, async (context) => {
	await compare("errno", (value) => -value, context.diagnostic.bind(context));
});

async function compare(
	module: string,
	expected: (value: number) => number,
	report: (message: string) => void,
): Promise<void> {
	const ours = await constantsOf(module);
	const theirs = valuesInC([...ours.keys()]);
	const wrong = [...ours]
		.filter(([name]) => theirs.has(name))
		.filter(([name, value]) => expected(theirs.get(name) ?? Number.NaN) !== value)
		.map(([name, value]) => `${name} is ${value} here and ${theirs.get(name)} in C`);
	assert.deepEqual(wrong, []);
	const unknown = [...ours.keys()].filter((name) => !theirs.has(name));
	assert.ok(theirs.size > ours.size * 0.9, `the C headers know too few: not ${unknown.join(" ")}`);
	if (unknown.length > 0) {
		report(`newer than the headers of this machine, not compared: ${unknown.join(" ")}`);
	}
}

async function constantsOf(module: string): Promise<Map<string, number>> {
	const url = pathToFileURL(join(ROOT, "dist", "sys", `${module}.js`)).href;
	const namespace = (await import(url)) as Record<string, unknown>;
	const all = Object.entries(namespace).filter((entry): entry is [string, number] => {
		return /^[A-Z][A-Z0-9_]+$/.test(entry[0]) && typeof entry[1] === "number";
	});
	assert.ok(all.length > 0, `${module} exports no constants`);
	return new Map(all);
}

function valuesInC(names: readonly string[]): Map<string, number> {
	const all = new Map<string, number>();
	for (const headers of HEADER_SETS) {
		for (const [name, value] of valuesFrom(headers, names)) all.set(name, value);
	}
	return all;
}

/** Compiles once to learn which names these headers lack, and again without them. */
function valuesFrom(headers: readonly string[], names: readonly string[]): Map<string, number> {
	const first = compile(headers, names);
	const missing = new Set(
		[...first.matchAll(/'([A-Z0-9_]+)' undeclared/g)].map((match) => match[1]),
	);
	const second = missing.size > 0 ? compile(headers, without(names, missing)) : first;
	assert.equal(second, "", "the generated C program does not compile");
	const { stdout, status } = spawnSync(join(folder, "program"), { encoding: "utf8" });
	assert.equal(status, 0);
	return new Map(
		stdout
			.trim()
			.split("\n")
			.map((line) => line.split(" "))
			.map(([name = "", value]) => [name, Number(value)]),
	);
}

function without(names: readonly string[], missing: ReadonlySet<string | undefined>): string[] {
	return names.filter((name) => !missing.has(name));
}

/** Returns the messages of the compiler. */
function compile(headers: readonly string[], names: readonly string[]): string {
	const program = [
		"#define _GNU_SOURCE",
		"#include <stdio.h>",
		...headers.map((header) => `#include <${header}>`),
		"int main(void) {",
		...names.map((name) => `printf("%s %lld\\n", "${name}", (long long)(${name}));`),
		"return 0; }",
	];
	const source = join(folder, "program.c");
	writeFileSync(source, program.join("\n"));
	const result = spawnSync(
		cc,
		["-std=gnu11", "-fmax-errors=0", source, "-o", join(folder, "program")],
		{
			encoding: "utf8",
			env: { ...process.env, LC_ALL: "C" },
		},
	);
	return result.stderr;
}

function reasonToSkip(): string | false {
	if (process.platform !== "linux") return "the constants are those of Linux";
	if (!existsSync(join(ROOT, "dist", "sys", "constants.js"))) return "there are no constants yet";
	const found = spawnSync(cc, ["--version"]).status === 0;
	return found ? false : `no C compiler: ${cc} cannot be run`;
}
