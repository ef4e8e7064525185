// Everything about the machine and the code that a figure means nothing without.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import { installed } from "./installed.mjs";
import { compilerVersion } from "./native.mjs";
import { bunProgram, denoProgram, versionOf } from "./rivals.mjs";

/** Facts for the head of a result with the subjects of these names; what cannot be read is null. */
export async function environment(names) {
	return {
		date: new Date().toISOString(),
		commit: git("rev-parse", "HEAD"),
		modified: git("status", "--porcelain", "--", "native", "src", "bench") !== "",
		machine: os.cpus()[0]?.model.trim() ?? null,
		cores: os.availableParallelism(),
		memoryGb: Math.round(os.totalmem() / 2 ** 30),
		virtual: / hypervisor( |$)/m.test(readText("/proc/cpuinfo") ?? ""),
		kernel: `${os.type()} ${os.release()}`,
		governor: readText("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
		node: process.version,
		bun: names.has("bun") ? await versionOf(bunProgram) : null,
		deno: names.has("deno") ? await versionOf(denoProgram) : null,
		haproxy: names.has("haproxy") ? await versionOf(() => installed("haproxy"), "-v") : null,
		socat: names.has("socat") ? await versionOf(() => installed("socat"), "-V") : null,
		compiler: compilerOrNull(),
		tcp: readText("/proc/sys/net/ipv4/tcp_congestion_control"),
		loadAverage: os.loadavg()[0],
	};
}

function git(...args) {
	try {
		return execFileSync("git", args, { encoding: "utf8", stdio: "pipe" }).trim();
	} catch {
		return null;
	}
}

function readText(path) {
	try {
		return readFileSync(path, "utf8").trim();
	} catch {
		return null;
	}
}

function compilerOrNull() {
	try {
		return compilerVersion();
	} catch {
		return null;
	}
}
