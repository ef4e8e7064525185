/** Children that connect and listen as other users. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type Child, type Ended, runChild, startChild } from "../support/children.ts";
import type { CallerOrder } from "./caller.child.ts";

/** Skips what only root can do, with the reason. */
export const needsRoot: string | false =
	process.geteuid?.() === 0 ? false : "only root can become other users: run it as root";

/** A user that owns nothing. */
export const NOBODY = 65_534;
/** A user that exists nowhere but in numbers. */
export const STRANGER = 54_321;

const [PROBE, ...PROBE_ARGS] = ["unshare", "-U", "-p", "-f", "true"] as const;

/** Skips what needs namespaces of its own, with the reason. */
export const needsNamespaces: string | false =
	needsRoot ||
	(spawnSync(PROBE, PROBE_ARGS).status === 0
		? false
		: "no user and PID namespaces here: the kernel or its container forbids them");

const CALLER = new URL("./caller.child.js", import.meta.url);

/** What a client of another user was given: a text, `null` for the end, or the code and text of its error. */
export async function call(
	order: Omit<CallerOrder, "action">,
	under: readonly string[] = [],
): Promise<string | null | { code: string; message: string }> {
	const args = [JSON.stringify({ ...order, action: "connect" })];
	return answerOf(await runChild(CALLER, { args, under }));
}

/** Starts a server of another user, and waits until it listens. */
export async function startServer(
	order: Omit<CallerOrder, "action">,
	under: readonly string[] = [],
): Promise<Child> {
	const args = [JSON.stringify({ ...order, action: "listen" })];
	const child = startChild(CALLER, { args, under });
	assert.equal(await child.line(), "ready");
	return child;
}

/** Ends such a server. */
export async function endServer(child: Child): Promise<void> {
	child.process.kill("SIGKILL");
	await child.ended;
}

function answerOf({ code, stdout, stderr }: Ended): ReturnType<typeof JSON.parse> {
	assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
	return JSON.parse(stdout);
}
