/**
 * Loads the addon; the only file that knows where it lies. Importing never throws: where there is no addon for this platform, the error
 * waits until something is used. Nothing is opened here but the file itself.
 */
import { UnsupportedError } from "../errors.ts";
import type { Engine, Sys } from "./contract.ts";
import { type Lean, leanCalls } from "./lean-calls.ts";

/** Everything that the addon exports. */
export type Addon = Sys & Engine;

// Both C libraries are tried, for one fails to load where the other belongs: no guess at which one this is can go wrong.
function candidates(): string[] {
	const given = process.env["SOCKETRY_ADDON"];
	if (given !== undefined) return [given];
	const target = `${process.platform}-${process.arch}`;
	return [
		`${import.meta.dirname}/../../prebuilds/${target}/socketry.node`,
		`${import.meta.dirname}/../../prebuilds/${target}-musl/socketry.node`,
	];
}

function loadAddon(): (Addon & Lean) | UnsupportedError {
	const failures: string[] = [];
	for (const path of candidates()) {
		try {
			return open(path);
		} catch (error) {
			failures.push(String((error as Error).message).split("\n")[0] ?? path);
		}
	}
	const here = `${process.platform}-${process.arch}`;
	return new UnsupportedError(
		"addon",
		`no addon could be loaded for ${here} (${failures.join("; ")}); sockets need Linux with a build for this processor`,
	);
}

// What require() comes down to, without the millisecond of look-ups that it spends on a path that is known.
function open(path: string): Addon & Lean {
	const target = { exports: {} };
	process.dlopen(target, path);
	return target.exports as Addon & Lean;
}

/** An addon whose every member throws `reason`, so that the error comes on use and says what is missing. */
function unsupported(reason: UnsupportedError): Addon {
	const fail = (): never => {
		throw reason;
	};
	return new Proxy({} as Addon, { get: fail });
}

function withLeanCalls({ lean, leanRecv, leanSend, ...calls }: Addon & Lean): Addon {
	return { ...calls, ...leanCalls(calls, { lean, leanRecv, leanSend }) };
}

const loaded = loadAddon();

/** Why there is no addon, or undefined when there is one. */
export const addonFailure: UnsupportedError | undefined =
	loaded instanceof UnsupportedError ? loaded : undefined;

/** A plain object with the addon's functions, or its stand-in. */
export const addon: Addon =
	loaded instanceof UnsupportedError ? unsupported(loaded) : withLeanCalls(loaded);
